"""Files and batches of files in vector stores: attached, uploaded, waited for."""

from typing import Any

import openai
import pytest

import ai_client
from ai_client.testing import Reply
from tests.support.stored_files import stored

FILE = {
    "id": "file-1",
    "object": "vector_store.file",
    "created_at": 1,
    "usage_bytes": 1,
    "vector_store_id": "vs_1",
    "status": "in_progress",
    "last_error": None,
}
DONE = {**FILE, "status": "completed"}
COUNTS = {"in_progress": 1, "completed": 0, "failed": 0, "cancelled": 0, "total": 1}
BATCH = {
    "id": "vsfb_1",
    "object": "vector_store.files_batch",
    "created_at": 1,
    "vector_store_id": "vs_1",
    "status": "in_progress",
    "file_counts": COUNTS,
}
BATCH_DONE = {**BATCH, "status": "completed", "file_counts": {**COUNTS, "in_progress": 0, "completed": 1}}
QUICK: dict[str, Any] = {"poll_interval_ms": 1}


@pytest.fixture(autouse=True)
def scripted(upstream: Any) -> None:
    """Answer as a server that needs two questions for each piece of work."""
    upstream.always(json=stored(1), method="POST", path="/files")
    for each, done, path in (
        (FILE, DONE, "/vector_stores/vs_1/files"),
        (BATCH, BATCH_DONE, "/vector_stores/vs_1/file_batches"),
    ):
        states = iter([each, done] * 10)
        upstream.always(json=each, method="POST", path=path)
        upstream.always(
            lambda _, states=states: Reply(json=next(states)), method="GET", path=f"{path}/{each['id']}"
        )


def traffic(upstream: Any) -> list[tuple[Any, ...]]:
    """Give what was asked, of JSON bodies their content."""
    names = ("x-stainless-poll-helper", "x-stainless-custom-poll-interval", "openai-beta")
    return [
        (
            each.method,
            each.path,
            each.json() if each.body.startswith(b"{") else each.body.count(b"content"),
            [each.headers.get(name) for name in names],
        )
        for each in upstream.requests
    ]


@pytest.mark.parametrize(
    ("method", "args", "options", "result"),
    [
        ("files.poll", ("file-1",), {"vector_store_id": "vs_1", **QUICK}, "completed"),
        (
            "files.create_and_poll",
            ("file-1",),
            {"vector_store_id": "vs_1", "attributes": {"a": 1}, **QUICK},
            "completed",
        ),
        ("files.upload", (), {"vector_store_id": "vs_1", "file": ("a.txt", b"abc")}, "in_progress"),
        (
            "files.upload_and_poll",
            (),
            {
                "vector_store_id": "vs_1",
                "file": ("a.txt", b"abc"),
                "chunking_strategy": {"type": "auto"},
                **QUICK,
            },
            "completed",
        ),
        ("file_batches.poll", ("vsfb_1",), {"vector_store_id": "vs_1", **QUICK}, "completed"),
        ("file_batches.create_and_poll", ("vs_1",), {"file_ids": ["file-7"], **QUICK}, "completed"),
        (
            "file_batches.upload_and_poll",
            ("vs_1",),
            {
                "files": [("a.txt", b"abc"), ("b.txt", b"abc")],
                "file_ids": ["file-7"],
                "max_concurrency": 1,
                **QUICK,
            },
            "completed",
        ),
    ],
)
def test_like_the_official_client(
    invoke: Any, method: str, args: tuple[Any, ...], options: dict[str, Any], result: str
) -> None:
    """Each helper asks what the official client asks, and gives the last state."""
    resource, name = method.split(".")
    with openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client:
        theirs = getattr(getattr(client.vector_stores, resource), name)(*args, **options)
    ours = invoke(getattr(getattr(invoke.client().vector_stores, resource), name), *args, **options)
    assert ours.status == theirs.status == result
    said = traffic(invoke.upstream)
    half = len(said) // 2
    assert said[half:] == said[:half]


def test_progress_and_deadline(invoke: Any) -> None:
    """The callback sees each state, also an async one; a wait that takes too long is given up."""
    seen: list[str] = []

    async def note(file: Any) -> None:
        seen.append(file.status)

    callback = (lambda file: seen.append(file.status)) if invoke.sync else note
    files = invoke.client().vector_stores.files
    invoke(files.poll, "file-1", vector_store_id="vs_1", on_progress=callback, **QUICK)
    assert seen == ["in_progress", "completed"]
    count = len(invoke.upstream.requests)
    with pytest.raises(ai_client.PollTimeoutError):
        invoke(files.poll, "file-1", vector_store_id="vs_1", max_wait_seconds=0)
    with pytest.raises(ValueError, match="max_wait_seconds"):
        invoke(files.upload_and_poll, vector_store_id="vs_1", file=b"", max_wait_seconds=-1)
    assert len(invoke.upstream.requests) == count


def test_uploads_at_once(invoke: Any) -> None:
    """Files of a batch are uploaded together, no more at a time than asked, and attached in their order."""
    files = [(f"{number}.txt", b"abc") for number in range(12)]
    names: dict[bytes, int] = {}

    def answer(recorded: Any) -> Reply:
        name = recorded.body.partition(b'filename="')[2].partition(b".")[0]
        names[name] = int(name) + 100
        return Reply(json=stored(names[name]), delay=0.01)

    invoke.upstream.always(answer, method="POST", path="/v1/files")
    batches = invoke.client().vector_stores.file_batches
    invoke(batches.upload_and_poll, "vs_1", files=files, max_concurrency=3, **QUICK)
    (sent,) = (each.json() for each in invoke.upstream.requests if each.path.endswith("/file_batches"))
    assert sent["file_ids"] == [f"file-{number}" for number in range(100, 112)]
    assert 2 <= invoke.upstream.max_in_flight <= 3


def test_an_upload_that_fails(invoke: Any) -> None:
    """The first upload that fails is the helper's error, and nothing is attached."""
    invoke.upstream.always(status=400, method="POST", path="/v1/files")
    batches = invoke.client().vector_stores.file_batches
    with pytest.raises(ai_client.BadRequestError):
        invoke(batches.upload_and_poll, "vs_1", files=[b"a", b"b", b"c"], max_concurrency=2, **QUICK)
    assert not any(each.path.endswith("/file_batches") for each in invoke.upstream.requests)


def test_the_only_upload_that_fails(invoke: Any) -> None:
    """Where one upload of several fails, its error is raised, and no batch is made."""
    invoke.upstream.reply(
        status=400, json={"error": {"message": "too large"}}, method="POST", path="/v1/files"
    )
    invoke.upstream.always(json=stored(7), method="POST", path="/v1/files")
    batches = invoke.client(max_retries=0).vector_stores.file_batches
    files = [("a.txt", b"abc"), ("b.txt", b"abc")]
    with pytest.raises(ai_client.BadRequestError, match="too large"):
        invoke(batches.upload_and_poll, "vs_1", files=files, max_concurrency=1, **QUICK)
    assert not [each for each in invoke.upstream.requests if each.path.endswith("/file_batches")]
