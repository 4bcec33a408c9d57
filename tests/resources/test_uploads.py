"""Uploads in parts."""

from pathlib import Path
from typing import Any

import openai
import pytest

import ai_client
from ai_client.testing import Reply

UPLOAD = {
    "id": "upload_1",
    "object": "upload",
    "bytes": 10,
    "created_at": 1,
    "expires_at": 2,
    "filename": "a.bin",
    "purpose": "assistants",
    "status": "pending",
}
CONTENT = b"0123456789"


@pytest.fixture(autouse=True)
def scripted(upstream: Any) -> None:
    """Answer as the API does."""
    numbers = iter(range(100))
    part = {"object": "upload.part", "created_at": 1, "upload_id": "upload_1"}
    upstream.always(json=UPLOAD, path="/uploads")
    upstream.always(
        lambda _: Reply(json={**part, "id": f"part_{next(numbers)}"}), path="/uploads/upload_1/parts"
    )
    upstream.always(json={**UPLOAD, "status": "completed"}, path="/uploads/upload_1/complete")


def sent(upstream: Any) -> list[Any]:
    """Give what each request carried: JSON, or the content of a part."""
    return [
        each.json()
        if each.headers["content-type"] == "application/json"
        else each.body.partition(b"\r\n\r\n")[2].partition(b"\r\n")[0]
        for each in upstream.requests
    ]


@pytest.mark.parametrize("kind", ["path", "name", "bytes"])
def test_in_parts(invoke: Any, tmp_path: Path, kind: str) -> None:
    """A file on disk and content in memory are sent piece by piece, as the official client sends them."""
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    options: dict[str, Any] = {
        "mime_type": "text/plain",
        "purpose": "assistants",
        "part_size": 4,
        "md5": "abc",
    }
    if kind == "bytes":
        options |= {"file": CONTENT, "filename": "a.bin", "bytes": len(CONTENT)}
    else:
        options["file"] = path if kind == "path" else str(path)
    with openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client:
        client.uploads.upload_file_chunked(**options)
    upload = invoke(invoke.client().uploads.upload_file_chunked, **options)
    assert upload.status == "completed"
    said = sent(invoke.upstream)
    assert said[5] == said[0]
    assert said[6:9] == said[1:4] == [b"0123", b"4567", b"89"]
    assert said[9] == {"part_ids": ["part_3", "part_4", "part_5"], "md5": "abc"}


def test_nothing_is_sent_without_a_name(invoke: Any) -> None:
    """Content in memory needs a name and a length."""
    upload = invoke.client().uploads.upload_file_chunked
    for missing, options in (("filename", {}), ("bytes", {"filename": "a"})):
        with pytest.raises(TypeError, match=f"The `{missing}` argument"):
            invoke(upload, file=b"x", mime_type="a/b", purpose="assistants", **options)
    assert invoke.upstream.requests == []


def test_a_part_that_fails(invoke: Any, tmp_path: Path) -> None:
    """Where a part is refused, the upload is not completed, and the file is closed."""
    (tmp_path / "a.bin").write_bytes(CONTENT)
    invoke.upstream.always(status=400, path="/parts")
    with pytest.raises(ai_client.BadRequestError):
        invoke(
            invoke.client().uploads.upload_file_chunked,
            file=tmp_path / "a.bin",
            mime_type="a/b",
            purpose="assistants",
        )
    assert len(invoke.upstream.requests) == 2
