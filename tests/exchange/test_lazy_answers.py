"""What an answer shows, compared with a response that the HTTP library had from the beginning."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from ai_client._exchange.answer import Answer
from ai_client._exchange.bounds import EXTENSION, Bounds
from ai_client._exchange.call_request import CallRequest
from ai_client._exchange.decoding import limit_decoding
from ai_client._http.library import library
from ai_client._io import finish
from ai_client._pool.message import Received, response_of
from ai_client._pool.response_head import ResponseHead
from ai_client.errors import ResponseTooLargeError

TEXT = b'{"id": "1", "text": "' + b"word " * 40 + b'"}'
LIMIT = 4096
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
BODIES: dict[str, bytes] = {
    "empty": b"",
    "text": TEXT,
    "gzip": gzip.compress(TEXT),
    "zlib": zlib.compress(TEXT),
    "raw deflate": RAW.compress(TEXT) + RAW.flush(),
    "two members": gzip.compress(TEXT) + gzip.compress(b"{}"),
    "cut": gzip.compress(TEXT)[:-9],
    "with a tail": gzip.compress(TEXT) + b"tail",
    "broken": gzip.compress(TEXT)[:12] + b"\xff" * 20,
    "just fits": b"x" * LIMIT,
    "too large": b"x" * (LIMIT + 1),
    "just fits, packed": gzip.compress(b"x" * LIMIT),
    "bomb": gzip.compress(b"x" * 1024 * 1024),
}
CODINGS = (
    None,
    "identity",
    "gzip",
    "deflate",
    "GZIP",
    "x-gzip",
    "br",
    "gzip, gzip",
    "identity, gzip",
    "rot13",
    "gzip,",
    "",
)
FIELDS = [
    (b"X-Request-Id", b"req_1"),
    (b"x-request-id", b"req_2"),
    (b"Content-Type", b"text/html; charset=latin-1"),
    (b"X-Name", b"caf\xc3\xa9"),
    (b"X-Other", b"caf\xe9"),
    (b"Set-Cookie", b"a=1"),
    (b"set-cookie", b"b=2"),
]
WAYS = ("read", "pieces", "one piece", "close", "look", "look in the middle", "close in the middle", "twice")


class Body:
    """A body on the wire in pieces, which may break off."""

    def __init__(self, pieces: list[bytes], *, breaks: bool) -> None:
        self.closed = 0
        self._pieces = iter(pieces)
        self._breaks = breaks

    def each(self) -> Iterator[bytes]:
        """Yield the pieces."""
        yield from self._pieces
        if self._breaks:
            raise httpx.ReadError("It broke off.")


class SyncBody(Body, httpx.SyncByteStream):
    """A body for the sync client."""

    def __iter__(self) -> Iterator[bytes]:
        return self.each()

    def close(self) -> None:
        """Count how often it is closed."""
        self.closed += 1


class AsyncBody(Body, httpx.AsyncByteStream):
    """A body for the async client."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.each():
            yield piece

    async def aclose(self) -> None:
        """Count how often it is closed."""
        self.closed += 1


def state_of(response: httpx.Response) -> dict[str, Any]:
    """Return all that a response shows."""
    shown: dict[str, Any] = {
        name: getattr(response, name)
        for name in (
            "status_code",
            "reason_phrase",
            "http_version",
            "encoding",
            "history",
            "is_closed",
            "is_stream_consumed",
            "num_bytes_downloaded",
        )
    }
    shown["headers"] = response.headers.raw
    shown["cookies"] = dict(response.cookies)
    shown["extensions"] = {
        name: value for name, value in response.extensions.items() if name != "network_stream"
    }
    shown["content"] = getattr(response, "_content", None)
    shown["request"] = (response.request.method, str(response.request.url), response.request.headers.raw)
    return shown


def outcome(act: Callable[[], Any]) -> Any:
    """Return what something returns or raises."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - which is compared
        about = getattr(error, "_request", None) or getattr(error, "request", None)
        return type(error), str(error), about is not None


def collected(pieces: Any, most: int | None, middle: Callable[[], Any] = list) -> list[Any]:
    """Return the pieces of a body of either kind, and do something after the first."""
    found: list[Any] = []

    async def collect() -> None:
        async for piece in pieces:
            found.append(piece)
            if len(found) == 1:
                middle()
            if len(found) == most:
                return

    def sync() -> None:
        for piece in pieces:
            found.append(piece)
            if len(found) == 1:
                middle()
            if len(found) == most:
                return

    error = outcome((lambda: finish(collect())) if hasattr(pieces, "__anext__") else sync)
    return [b"".join(found), error]


def too_large(response: httpx.Response, size: int) -> ResponseTooLargeError:
    """Return the error of a body that is larger than may be held in memory."""
    request = response.request
    message = (
        f"The answer to {request.method} {request.url.path} is larger than max_response_bytes, which is {LIMIT} bytes:"
        f" {size} at least. Set max_response_bytes, or read it piece by piece, as with_streaming_response does."
    )
    return ResponseTooLargeError(response, None, message=message)


def read(response: httpx.Response) -> bytes:
    """Read a response of the HTTP library within the bound, as long as it is the library's alone."""
    if hasattr(response, "_content"):
        return response.content
    length = response.headers.get("content-length", "")
    if not isinstance(response.stream, httpx.ByteStream) and "content-encoding" not in response.headers:
        announced = int(length) if length else 0
        if announced > LIMIT:
            response.close()
            raise too_large(response, announced)
    content = b""
    for part in response.iter_bytes():
        content += part
        if len(content) > LIMIT:
            response.close()
            raise too_large(response, len(content))
    response._content = content
    return content


async def aread(response: httpx.Response) -> bytes:
    """Read a response of the HTTP library within the bound, as `read`."""
    if hasattr(response, "_content"):
        return response.content
    length = response.headers.get("content-length", "")
    if not isinstance(response.stream, httpx.ByteStream) and "content-encoding" not in response.headers:
        announced = int(length) if length else 0
        if announced > LIMIT:
            await response.aclose()
            raise too_large(response, announced)
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) > LIMIT:
            await response.aclose()
            raise too_large(response, len(content))
    response._content = content
    return content


def played(way: str, do: dict[str, Callable[..., Any]]) -> list[Any]:
    """Use an answer in some way; return what came of it."""
    if way == "read":
        return [outcome(do["read"]), outcome(do["read"])]
    if way == "close":
        return [outcome(do["close"]), outcome(do["read"])]
    if way == "look":
        return [state_of(do["look"]()), collected(do["pieces"](), None)]
    middle: Callable[[], Any] = {
        "look in the middle": lambda: state_of(do["look"]()),
        "close in the middle": lambda: outcome(do["close"]),
    }.get(way, list)
    results = collected(do["pieces"](), 1 if way == "one piece" else None, middle)
    return [*results, collected(do["pieces"](), None)] if way == "twice" else results


@settings(max_examples=500, deadline=None)
@given(
    body=st.sampled_from(sorted(BODIES)),
    coding=st.sampled_from(CODINGS),
    fields=st.lists(st.sampled_from(FIELDS), max_size=5),
    size=st.sampled_from([0, 1, 7, 100_000]),
    breaks=st.booleans(),
    way=st.sampled_from(WAYS),
    sync=st.booleans(),
    length=st.booleans(),
    split=st.booleans(),
)
def test_an_answer_shows_what_an_eager_response_shows(**case: Any) -> None:
    """Whatever is done with an answer, and whenever somebody looks, it is as a response that was made at once."""
    content = BODIES[case["body"]]
    headers = [*case["fields"]]
    if case["coding"] is not None:
        headers.append((b"Content-Encoding", case["coding"].encode()))
    if case["length"]:
        headers.append((b"Content-Length", b"%d" % len(content)))
    lines = b"".join(b"\r\n%b: %b" % pair for pair in headers).decode("latin-1")
    head = ResponseHead(200, b"OK", b"1.1", lines, headers if case["split"] else None)
    size = case["size"]

    def received() -> Received:
        if not size:
            return head, content, None
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        stream = (SyncBody if case["sync"] else AsyncBody)(pieces, breaks=case["breaks"])
        return head, stream, stream

    def request() -> httpx.Request:
        extensions = {EXTENSION: Bounds(LIMIT, LIMIT)}
        return httpx.Request(
            "POST", "http://host/path", headers={"X-A": "1"}, content=b"{}", extensions=extensions
        )

    lazily, at_once = received(), received()
    answer = Answer(CallRequest.of(request()), lazily, library("httpx"))
    response = response_of(at_once, library("httpx"))
    response.request = request()
    opened = [outcome(answer.limit_decoding), outcome(lambda: limit_decoding(response))]
    assert opened[0] == opened[1]
    if opened[0] is not None:
        return
    sync = case["sync"]
    found = [
        played(
            case["way"],
            {
                "read": answer.read if sync else lambda: finish(answer.aread()),
                "close": answer.close if sync else lambda: finish(answer.aclose()),
                "pieces": answer.pieces if sync else answer.apieces,
                "look": lambda: answer.response,
            },
        ),
        played(
            case["way"],
            {
                "read": lambda: read(response) if sync else finish(aread(response)),
                "close": response.close if sync else lambda: finish(response.aclose()),
                "pieces": response.iter_bytes if sync else response.aiter_bytes,
                "look": lambda: response,
            },
        ),
    ]
    assert found[0] == found[1]
    for name in ("content-encoding", "x-request-id", "x-name", "x-other", "content-length", "x-none"):
        assert answer.header(name) == response.headers.get(name)
    assert answer.content_if_read == getattr(response, "_content", None)
    assert answer.is_closed == response.is_closed
    assert answer.raw_headers == response.headers.raw
    assert state_of(answer.response) == state_of(response)
    if size:
        assert (lazily[1].closed > 0) == (at_once[1].closed > 0)


@pytest.mark.parametrize("coding", ["gzip", "deflate", None])
@pytest.mark.parametrize("body", sorted(BODIES))
def test_a_whole_body_is_read_as_the_library_reads_it(body: str, coding: str | None) -> None:
    """A whole body that is read before anybody looks is decoded to the same, or fails in the same way."""
    fields = [] if coding is None else [(b"Content-Encoding", coding.encode())]
    head = ResponseHead(200, b"OK", b"1.1", headers=fields)
    extensions = {EXTENSION: Bounds(LIMIT, LIMIT)}
    request = httpx.Request("GET", "http://host/", extensions=extensions)
    received = head, BODIES[body], None
    answer = Answer(CallRequest.of(request), received, library("httpx"))
    response = response_of(received, library("httpx"))
    response.request = request
    limit_decoding(response)
    assert outcome(answer.read) == outcome(lambda: read(response))
    assert outcome(lambda: answer.content) == outcome(lambda: response.content)
    assert state_of(answer.response) == state_of(response)
