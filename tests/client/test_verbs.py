"""The low-level verbs: any path, any result type, JSON, forms and raw content."""

import io
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
import pytest

from ai_client import APIConnectionError, AsyncStream, BaseModel, InternalServerError, Stream, omit
from ai_client.testing import Recorded, sse
from tests.support.invoke import CHAT, Invoke

ItemT = TypeVar("ItemT")
BOUNDARY = re.compile(r"multipart/form-data; boundary=(\w+)")


class Thing(BaseModel):
    """A made-up result."""

    id: str


def parts_of(recorded: Recorded) -> list[tuple[str, str]]:
    """Part a form into the head and the body of each part."""
    boundary = BOUNDARY.fullmatch(recorded.headers["content-type"])
    assert boundary
    assert int(recorded.headers.get("content-length", len(recorded.body))) == len(recorded.body)
    pieces = recorded.body.decode("latin-1").split(f"--{boundary[1]}")
    assert pieces[0] == ""
    assert pieces[-1] == "--\r\n"
    found: list[tuple[str, str]] = []
    for piece in pieces[1:-1]:
        head, _, body = piece.removeprefix("\r\n").partition("\r\n\r\n")
        found.append((head, body.removesuffix("\r\n")))
    return found


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete"])
def test_each_verb_gives_a_cast_to(invoke: Invoke, verb: str) -> None:
    """A verb sends its method to the path and gives a model of the answer."""
    invoke.upstream.reply(json={"id": "x"})
    thing = invoke(getattr(invoke.client(), verb), "/things/1", cast_to=Thing)
    assert thing == Thing(id="x")
    (recorded,) = invoke.upstream.requests
    assert (recorded.method, recorded.path) == (verb.upper(), "/v1/things/1")


@pytest.mark.parametrize(
    ("cast_to", "expected"),
    [
        (dict, {"n": 1}),
        (dict[str, int], {"n": 1}),
        (object, {"n": 1}),
        (str, '{"n":1}'),
        (bytes, b'{"n":1}'),
        (type(None), None),
    ],
)
def test_cast_to_types(invoke: Invoke, cast_to: Any, expected: object) -> None:
    """Plain types are given as such, text and bytes as they came."""
    invoke.upstream.reply(json={"n": 1})
    assert invoke(invoke.client().get, "/things", cast_to=cast_to) == expected


def test_cast_to_the_response(invoke: Invoke) -> None:
    """The HTTP library's response may be asked for."""
    response = invoke(invoke.client().get, "/models", cast_to=httpx.Response)
    assert isinstance(response, httpx.Response)
    assert response.json()["object"] == "list"


def test_options(invoke: Invoke) -> None:
    """Headers, query, further members, key and retries come from `options`."""
    invoke.upstream.reply(json={}, times=2, status=500, headers={"retry-after-ms": "1"})
    with pytest.raises(InternalServerError):
        invoke(
            invoke.client().post,
            "/things",
            cast_to=object,
            body={"a": 1, "b": 1},
            options={
                "headers": {"X-Mine": "yes"},
                "params": {"q": [1, 2]},
                "extra_json": {"b": 2},
                "idempotency_key": "once-1",
                "max_retries": 1,
                "timeout": 4,
            },
        )
    first, second = invoke.upstream.requests
    for recorded, count in ((first, "0"), (second, "1")):
        assert recorded.json() == {"a": 1, "b": 2}
        assert recorded.query == "q%5B%5D=1&q%5B%5D=2"
        assert recorded.headers["x-mine"] == "yes"
        assert recorded.headers["idempotency-key"] == "once-1"
        assert recorded.headers["x-stainless-retry-count"] == count
        assert recorded.headers["x-stainless-read-timeout"] == "4"


def test_streams(invoke: Invoke) -> None:
    """A verb may stream, into a class of the caller's too."""

    class Mine(Stream[Thing]):
        pass

    class AsyncMine(AsyncStream[Thing]):
        pass

    invoke.upstream.always(chunks=[sse({"id": "1"}), sse({"id": "2"}), sse("[DONE]")])
    own: Any = Mine if invoke.sync else AsyncMine
    usual: Any = Stream if invoke.sync else AsyncStream
    for stream_cls in (usual[Thing], own, None):
        stream = invoke(
            invoke.client().post, "/things", cast_to=Thing, body={}, stream=True, stream_cls=stream_cls
        )
        assert type(stream) is (own if stream_cls is own else usual)
        assert invoke.collect(stream) == [Thing(id="1"), Thing(id="2")]


def test_whole_addresses(invoke: Invoke) -> None:
    """A path that is an address goes there."""
    client = invoke.client(base_url="http://nowhere.invalid/v1")
    invoke.upstream.reply(json={"id": "x"})
    assert invoke(client.get, f"{invoke.upstream.url}/else/where", cast_to=Thing).id == "x"
    assert invoke.upstream.requests[0].path == "/else/where"


@pytest.mark.parametrize("beside", [{"body": {}}, {"files": {"f": b""}}])
def test_content_stands_alone(invoke: Invoke, beside: dict[str, Any]) -> None:
    """`content` with a body or files beside it is refused."""
    with pytest.raises(TypeError, match="content is the whole body"):
        invoke(invoke.client().post, "/things", cast_to=object, content=b"x", **beside)


def test_content_from_everywhere(invoke: Invoke) -> None:
    """Bytes, a file from where it stands, and an iterable are sent as they are."""
    file = io.BytesIO(b"skipped:rest")
    file.seek(8)
    client = invoke.client()
    invoke.upstream.always(json={})
    for content, chunked in (
        (b"whole", False),
        (file, False),
        ([b"a", b"b"], True),
        ((b"%d" % n for n in range(3)), True),
    ):
        options = {"headers": {"Content-Type": "application/octet-stream"}}
        invoke(client.post, "/things", cast_to=object, content=content, options=options)
        recorded = invoke.upstream.requests[-1]
        assert recorded.headers["content-type"] == "application/octet-stream"
        assert (recorded.headers.get("transfer-encoding") == "chunked") is chunked
    assert [recorded.body for recorded in invoke.upstream.requests] == [b"whole", b"rest", b"ab", b"012"]


def test_files_of_every_kind(invoke: Invoke, tmp_path: Path) -> None:
    """Bytes, paths, open files, tuples and generators become the parts of one form, after its fields."""
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"x":1}')
    opened = io.BytesIO(b"opened")
    opened.read()  # a file is sent whole, wherever it stands
    opened.name = "dir/voice.mp3"
    invoke.upstream.reply(json={})
    with path.open("rb") as file:
        invoke(
            invoke.client().post,
            "/uploads",
            cast_to=object,
            body={
                "purpose": "batch",
                "n": 2,
                "flag": True,
                "none": None,
                "list": ["a", "b"],
                "nested": {"k": 1.5},
            },
            files=[
                ("bytes", b"raw"),
                ("path", path),
                ("file", file),
                ("opened", opened),
                ("named", ('we"ird\n.png', b"png")),
                ("typed", ("x.bin", b"typed", "text/x-mine")),
                ("headed", (None, b"headed", "text/plain", {"X-Part": "1"})),
                ("made", ("gen.txt", (chunk for chunk in (b"ge", b"n")))),
            ],
        )
    disposition = "Content-Disposition: form-data; name="
    assert parts_of(invoke.upstream.requests[0]) == [
        (f'{disposition}"purpose"', "batch"),
        (f'{disposition}"n"', "2"),
        (f'{disposition}"flag"', "true"),
        (f'{disposition}"list[]"', "a"),
        (f'{disposition}"list[]"', "b"),
        (f'{disposition}"nested[k]"', "1.5"),
        (f'{disposition}"bytes"; filename="upload"\r\nContent-Type: application/octet-stream', "raw"),
        (f'{disposition}"path"; filename="data.jsonl"\r\nContent-Type: application/octet-stream', '{"x":1}'),
        (f'{disposition}"file"; filename="data.jsonl"\r\nContent-Type: application/octet-stream', '{"x":1}'),
        (f'{disposition}"opened"; filename="voice.mp3"\r\nContent-Type: audio/mpeg', "opened"),
        (f'{disposition}"named"; filename="we%22ird%0A.png"\r\nContent-Type: image/png', "png"),
        (f'{disposition}"typed"; filename="x.bin"\r\nContent-Type: text/x-mine', "typed"),
        (f'{disposition}"headed"\r\nX-Part: 1\r\nContent-Type: text/plain', "headed"),
        (f'{disposition}"made"; filename="gen.txt"\r\nContent-Type: text/plain', "gen"),
    ]


def test_large_files_are_not_held_in_memory(invoke: Invoke, tmp_path: Path) -> None:
    """A file is read in pieces of 64 KiB at most, with its length told beforehand."""
    sizes: list[int] = []

    class Watched(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            sizes.append(-1 if size is None else size)
            return super().read(-1 if size is None else size)

    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * 1_000_000)
    invoke.upstream.reply(json={})
    with Watched(path) as file:
        invoke(invoke.client().post, "/uploads", cast_to=object, files={"file": file})
    assert sizes
    assert max(sizes) <= 65536
    assert min(sizes) > 0
    assert [len(body) for _, body in parts_of(invoke.upstream.requests[0])] == [1_000_000]


def test_an_attempt_sends_the_file_again(invoke: Invoke, tmp_path: Path) -> None:
    """A retry carries the whole form once more."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"content")
    invoke.upstream.reply(status=500, headers={"retry-after-ms": "1"})
    invoke.upstream.reply(json={})
    with path.open("rb") as file:
        invoke(invoke.client().post, "/uploads", cast_to=object, files={"p": path, "f": file, "b": b"x"})
    first, second = map(parts_of, invoke.upstream.requests)
    assert first == second
    assert [body for _, body in first] == ["content", "content", "x"]


def test_what_can_be_read_once_is_sent_once(invoke: Invoke) -> None:
    """A generator is not retried: there is nothing left to send."""
    invoke.upstream.always(status=500, headers={"retry-after-ms": "1"})
    made = (b"x" for _ in range(3))
    with pytest.raises(InternalServerError):
        invoke(invoke.client().post, "/uploads", cast_to=object, files={"f": ("a", made)})
    assert len(invoke.upstream.requests) == 1


def test_a_form_without_files(invoke: Invoke) -> None:
    """The content type alone makes a form of a body, with the boundary it may name."""
    invoke.upstream.always(json={})
    client = invoke.client()
    for kind in ("multipart/form-data", "multipart/form-data; boundary=mine"):
        invoke(client.post, "/x", cast_to=object, body={"a": 1}, options={"headers": {"Content-Type": kind}})
        assert [body for _, body in parts_of(invoke.upstream.requests[-1])] == ["1"]
    assert invoke.upstream.requests[-1].headers["content-type"] == "multipart/form-data; boundary=mine"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("a path as text", "must be bytes, a pathlib.Path"),
        (3, "must be bytes, a pathlib.Path"),
        (io.StringIO("x"), "text mode"),
        (("name", "text"), "must be bytes, a pathlib.Path"),
    ],
)
def test_what_is_no_file_is_refused(invoke: Invoke, file: Any, message: str) -> None:
    """Text and other things in place of a file are a `TypeError` that says what would do."""
    with pytest.raises(TypeError, match=message):
        invoke(invoke.client().post, "/uploads", cast_to=object, files={"f": file})
    assert not invoke.upstream.requests


def test_a_line_break_in_a_part_is_refused(invoke: Invoke) -> None:
    """Headers of a part cannot smuggle in another header."""
    file = ("a", b"x", "text/plain\r\nX-Evil: 1")
    with pytest.raises(ValueError, match="line break"):
        invoke(invoke.client().post, "/uploads", cast_to=object, files={"f": file})


def test_asynchronous_sources(invoke: Invoke) -> None:
    """The async client uploads asynchronous generators; the sync one refuses them."""

    async def made() -> AsyncIterator[bytes]:
        yield b"as"
        yield b"ync"

    invoke.upstream.always(json={})
    client = invoke.client()
    if invoke.sync:
        with pytest.raises(TypeError, match="only be uploaded by AsyncOpenAI"):
            invoke(client.post, "/uploads", cast_to=object, files={"f": ("a", made())})
        return
    invoke(client.post, "/uploads", cast_to=object, files={"f": ("a", made())})
    assert [body for _, body in parts_of(invoke.upstream.requests[0])] == ["async"]


def test_a_source_that_fails(invoke: Invoke) -> None:
    """What a generator raises while it is sent reaches the caller, and the client lives on."""

    def made() -> Iterator[bytes]:
        yield b"x"
        raise LookupError("the disk is gone")

    client = invoke.client()
    with pytest.raises((LookupError, APIConnectionError)):
        invoke(client.post, "/uploads", cast_to=object, files={"f": ("a", made())})
    assert invoke(client.chat.completions.create, **CHAT).choices


REQUEST: dict[str, Any] = {
    "method": "post",
    "url": "/things",
    "json_data": {"a": 1},
    "extra_json": {"b": 2},
    "params": {"q": "1"},
    "headers": {"X-Own": "1"},
    "timeout": 7,
    "idempotency_key": "once",
    "max_retries": 0,
    "post_parser": lambda thing: (thing, "parsed"),
}


class Options:
    """The options of a request as an object, as the official SDK makes it."""

    def __init__(self, **members: Any) -> None:
        self.__dict__ |= {"max_retries": omit, "files": None, "content": None, "headers": omit} | members


@pytest.mark.parametrize("make", [dict, Options])
def test_a_request_described_by_options(invoke: Invoke, make: Any) -> None:
    """`client.request` sends what its options describe, be they a mapping or an object."""
    invoke.upstream.reply(json={"id": "x"})
    assert invoke(invoke.client().request, Thing, make(**REQUEST)) == (Thing(id="x"), "parsed")
    (recorded,) = invoke.upstream.requests
    assert (recorded.method, recorded.path, recorded.query) == ("POST", "/v1/things", "q=1")
    assert recorded.json() == {"a": 1, "b": 2}
    assert (recorded.headers["x-own"], recorded.headers["idempotency-key"]) == ("1", "once")
    assert recorded.headers["x-stainless-read-timeout"] == "7"


def test_a_request_by_keywords_of_the_official_sdk(invoke: Invoke) -> None:
    """`cast_to` and `options` are keywords too, and with `stream` the answer is a stream."""
    invoke.upstream.reply(chunks=[sse({"id": "1"}), sse({"id": "2"}), sse("[DONE]")])
    options = {"method": "GET", "url": "/things"}
    client = invoke.client()
    stream = invoke(client.request, cast_to=Thing, options=options, stream=True)
    assert invoke.collect(stream) == [Thing(id="1"), Thing(id="2")]


@pytest.mark.parametrize("lacking", ["method", "url"])
def test_a_request_without_its_address(invoke: Invoke, lacking: str) -> None:
    """A request without method or address is a `TypeError` that names what is missing, and nothing is sent."""
    options = {name: value for name, value in REQUEST.items() if name != lacking}
    with pytest.raises(TypeError, match=lacking):
        invoke(invoke.client().request, Thing, options)
    assert not invoke.upstream.requests


def named_by_others(name: str) -> Any:
    """Return a class as the official SDK's of that name, which these tests do not need."""

    class Named(Generic[ItemT]):
        pass

    Named.__module__, Named.__name__ = "openai", name
    return Named


def test_the_official_class_of_streams(invoke: Invoke) -> None:
    """The official `Stream` as a class of streams stands for the client's own."""
    named = named_by_others("Stream" if invoke.sync else "AsyncStream")
    invoke.upstream.reply(chunks=[sse({"id": "1"}), sse("[DONE]")])
    client = invoke.client()
    stream = invoke(client.post, "/things", cast_to=Thing, body={}, stream=True, stream_cls=named[Thing])
    assert type(stream) is (Stream if invoke.sync else AsyncStream)
    assert invoke.collect(stream) == [Thing(id="1")]


def test_no_class_of_streams_of_this_client(invoke: Invoke) -> None:
    """A class of streams of the other client, or of none, is a `TypeError` before anything is sent."""
    post = invoke.client().post
    for wrong in (AsyncStream if invoke.sync else Stream, named_by_others("Other")):
        with pytest.raises(TypeError, match="class of a stream"):
            invoke(post, "/things", cast_to=Thing, body={}, stream=True, stream_cls=wrong[Thing])
    assert not invoke.upstream.requests
