"""Answers without an end, and answers that grow when they are decoded: what is held in memory has a bound."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    ClientConfig,
    ClientProvider,
    ResponseTooLargeError,
    StreamTooLargeError,
)
from ai_client._process.assembly import Assembly
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.relay import async_events, sync_events
from ai_client.stores import open_store
from tests.support.hostile.framing import EVENT_STREAM, chunk, events, framed, head
from tests.support.hostile.wire import HOLD, Script, Wire
from tests.support.invoke import CHAT, KEY, Invoke

BOUND = 200_000
BLOCK = b" " * 50_000
EVENT = b'{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}'
BOMB_SIZE = 100_000_000

Body = Callable[[], Iterator[bytes]]


def endless(part: bytes, start: bytes = b"") -> Body:
    """Give the parts of a body that never ends."""

    def parts() -> Iterator[bytes]:
        if start:
            yield start
        yield from repeat(part)

    return parts


def after_an_event(body: Body) -> Iterator[bytes]:
    """Give a whole event and then the parts of a body."""
    yield from events(EVENT, end=None)
    yield from body()


def answer(parts: Iterator[bytes], framing: str, *, status: int = 200, **headers: str) -> Script:
    """Give an answer of parts that may be without an end."""
    start = head(
        status, [(name.replace("_", "-"), value) for name, value in headers.items()], content_type=None
    )
    if framing == "chunked":
        yield start + b"Transfer-Encoding: chunked\r\n\r\n"
        for part in parts:
            yield chunk(part)
    else:
        length = b"Content-Length: 99999999999\r\n" if framing == "length" else b"Connection: close\r\n"
        yield start + length + b"\r\n"
        yield from parts


def client_of(invoke: Invoke, wire: Wire, **options: Any) -> Any:
    """Make a client with small bounds."""
    given = {"max_response_bytes": BOUND, "max_event_bytes": BOUND // 2, "max_retries": 0, **options}
    return invoke.client(base_url=wire.base_url, api_key=KEY, **given)


def check_released(invoke: Invoke, wire: Wire, client: Any) -> None:
    """Assert that nothing is left of a call whose answer has no end: its connection is closed, its place is free."""
    wire.wait_for(lambda: wire.open == 0)
    check_free(invoke, wire, client)


def check_free(invoke: Invoke, wire: Wire, client: Any) -> None:
    """Assert that there is room for the next call."""
    wire.answer = lambda _: [b"".join(framed([b'{"object":"list","data":[]}'], "length"))]
    assert invoke(client.models.list).data == []


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("deadline", [None, 60])
def test_endless_body(invoke: Invoke, wire: Wire, framing: str, status: int, deadline: float | None) -> None:
    """A body without an end is given up at the bound, whatever its framing and status, with or without a deadline."""
    client = client_of(invoke, wire, deadline=deadline, max_connections=1)
    wire.answer = lambda _: answer(endless(BLOCK)(), framing, status=status, content_type="application/json")
    with pytest.raises(ResponseTooLargeError, match="max_response_bytes") as caught:
        invoke(client.chat.completions.create, **CHAT)
    assert caught.value.status_code == status
    check_released(invoke, wire, client)


def test_announced_length_is_enough(invoke: Invoke, wire: Wire) -> None:
    """A body whose announced length is beyond the bound is not read at all."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: [*answer(iter([b"{"]), "length"), HOLD]
    with pytest.raises(ResponseTooLargeError, match="99999999999"):
        invoke(client.models.list)
    wire.wait_for(lambda: wire.open == 0)


@contextmanager
def memory_below(size: int) -> Iterator[None]:
    """Assert that what the block holds at once stays below so many bytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """Give bodies that become a thousand times as large when they are decoded."""
    plain = b" " * BOMB_SIZE
    return {"gzip": gzip.compress(plain, 9), "deflate": zlib.compress(plain, 9)}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bomb(invoke: Invoke, wire: Wire, bombs: dict[str, bytes], encoding: str, stream: bool) -> None:
    """Bytes are counted while they are decoded, so that a small packed body cannot become a large one."""
    client = client_of(invoke, wire, max_connections=1)
    kind = EVENT_STREAM if stream else "application/json"
    headers = [("Content-Encoding", encoding)]
    wire.answer = lambda _: framed([bombs[encoding]], "length", headers=headers, content_type=kind)

    def read() -> None:
        answered = invoke(client.chat.completions.create, **CHAT, stream=stream)
        if stream:
            invoke.collect(answered)

    with memory_below(20_000_000), pytest.raises(ResponseTooLargeError, match=r"max_(response|event)_bytes"):
        read()
    check_free(invoke, wire, client)


@pytest.mark.parametrize("stream", [False, True])
def test_nested_encodings(invoke: Invoke, wire: Wire, stream: bool) -> None:
    """A body that is encoded more than once, which multiplies how it grows, is not decoded."""
    bomb = gzip.compress(gzip.compress(b" " * BOMB_SIZE, 9), 9)
    client = client_of(invoke, wire, max_connections=1)
    headers = [("Content-Encoding", "gzip, gzip")]
    wire.answer = lambda _: framed([bomb], "length", headers=headers)
    with memory_below(20_000_000), pytest.raises(APIResponseValidationError, match="encoded more than once"):
        invoke(client.chat.completions.create, **CHAT, stream=stream)
    check_free(invoke, wire, client)


def test_a_usual_packed_answer_is_read(invoke: Invoke, wire: Wire) -> None:
    """An encoded answer within the bound is what it was before it was encoded, whatever its size."""
    client = client_of(invoke, wire)
    data = b'{"object":"list","data":[],"more":"%b"}' % (bytes(range(97, 123)) * 5_000)
    wire.answer = lambda _: framed([data], "length", zipped=True)
    assert len(invoke(client.models.list).more) == 130_000


@pytest.mark.parametrize(
    "body",
    [
        endless(BLOCK, b"data: "),
        endless(b"data: " + BLOCK + b"\n"),
        endless(b"data: " + BLOCK + b"\r\n"),
        endless(BLOCK, b"\r\n\r\n: "),
        endless(b"data: " + BLOCK + b"\r", b"event: a\r\n"),
        endless(BLOCK, b": "),
    ],
    ids=["line", "lines", "lines of CR LF", "comment after CR LF", "lines of CR", "comment"],
)
def test_endless_event(invoke: Invoke, wire: Wire, body: Body) -> None:
    """An event without an end is given up at its bound, and the items before it are in the error."""
    client = client_of(invoke, wire, max_response_bytes=10_000_000)
    wire.answer = lambda _: answer(after_an_event(body), "chunked", content_type=EVENT_STREAM)
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    with pytest.raises(StreamTooLargeError, match="max_event_bytes") as caught:
        invoke.collect(stream)
    assert [item.id for item in caught.value.received] == ["1"]
    check_released(invoke, wire, client)


@pytest.mark.parametrize("part", [b"".join(events(EVENT, end=None)) * 100, b": still here\n\n" * 1000])
def test_endless_events(invoke: Invoke, wire: Wire, part: bytes) -> None:
    """A stream of whole events without an end is given up at the bound of what is held of an answer."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: answer(endless(part)(), "chunked", content_type=EVENT_STREAM)
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    with pytest.raises(StreamTooLargeError, match="max_response_bytes"):
        invoke.collect(stream)
    check_released(invoke, wire, client)


def test_endless_answer_to_a_stream(invoke: Invoke, wire: Wire) -> None:
    """JSON without an end where a stream was asked for is given up at the bound."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: answer(endless(BLOCK)(), "chunked", content_type="application/json")
    with pytest.raises(ResponseTooLargeError, match="max_response_bytes"):
        invoke(client.chat.completions.create, **CHAT, stream=True)
    check_released(invoke, wire, client)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 ", b""])
@pytest.mark.parametrize("block", [b"X-A: b\r\n" * 5_000, b"a" * 50_000])
def test_endless_head(invoke: Invoke, wire: Wire, start: bytes, block: bytes) -> None:
    """A head without an end is an error of the connection."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: endless(block, start)()
    with pytest.raises(APIConnectionError):
        invoke(client.models.list)
    check_released(invoke, wire, client)


def test_endless_trailers(invoke: Invoke, wire: Wire) -> None:
    """Trailers without an end are an error of the connection."""
    client = client_of(invoke, wire)
    start = head() + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    wire.answer = lambda _: endless(b"X-A: b\r\n" * 5_000, start)()
    with pytest.raises(APIError):
        invoke(client.models.list)
    check_released(invoke, wire, client)


def test_downloads_have_no_bound(invoke: Invoke, wire: Wire, tmp_path: Path) -> None:
    """A body that the caller streams may be of any size, and one that is read at once may not."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: framed([BLOCK] * 40, "chunked", content_type="application/octet-stream")
    download = client.files.with_streaming_response.content
    with invoke.within(download("file")) as response:
        invoke(response.stream_to_file, tmp_path / "file")
    assert (tmp_path / "file").stat().st_size == 40 * len(BLOCK)
    with invoke.within(download("file")) as response:
        assert sum(map(len, invoke.collect(response.iter_bytes()))) == 40 * len(BLOCK)
    with (
        pytest.raises(ResponseTooLargeError, match="max_response_bytes"),
        invoke.within(download("file")) as response,
    ):
        invoke(response.read)
    with pytest.raises(ResponseTooLargeError, match="with_streaming_response"):
        invoke(client.files.content, "file")


def test_bounds_can_be_lifted(invoke: Invoke, wire: Wire) -> None:
    """`None` is no bound, and a copy may have other bounds than its original."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: framed([BLOCK] * 40, "chunked", content_type="application/octet-stream")
    lifted = client.with_options(max_response_bytes=None)
    assert len(invoke(lifted.files.content, "file").content) == 40 * len(BLOCK)
    with pytest.raises(ResponseTooLargeError):
        invoke(client.files.content, "file")
    data = b'{"id":"%b"}' % (BLOCK * 5)
    wire.answer = lambda _: framed([*events(data)], "chunked", content_type=EVENT_STREAM)
    lifted = client.with_options(max_response_bytes=None, max_event_bytes=None)
    assert len(invoke.collect(invoke(lifted.chat.completions.create, **CHAT, stream=True))) == 1


@pytest.mark.parametrize("transport", [False, True])
def test_over_a_client_of_the_library(invoke: Invoke, wire: Wire, transport: bool) -> None:
    """The bounds hold over an HTTP client or a transport that the user gave."""
    kind = ("HTTPTransport" if transport else "Client") if invoke.sync else None
    kind = kind or ("AsyncHTTPTransport" if transport else "AsyncClient")
    client = client_of(invoke, wire, http_client=getattr(httpx, kind)())
    wire.answer = lambda _: answer(endless(BLOCK)(), "chunked", content_type="application/json")
    with pytest.raises(ResponseTooLargeError, match="max_response_bytes"):
        invoke(client.models.list)
    check_released(invoke, wire, client)


@pytest.mark.parametrize("name", ["max_response_bytes", "max_event_bytes"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5, "10"])
def test_bounds_are_checked(invoke: Invoke, name: str, value: object) -> None:
    """A bound that is no positive number of bytes is refused by its name."""
    with pytest.raises((TypeError, ValueError), match=f"{name} must be a positive number of bytes"):
        invoke.client(**{name: value})


@pytest.mark.parametrize(("status", "counted"), [(200, 1), (400, 0)])
@pytest.mark.parametrize("stream", [False, True])
def test_what_was_too_large_is_counted(
    invoke: Invoke, wire: Wire, status: int, counted: int, stream: bool
) -> None:
    """A successful answer that was too large may be billed, so that it counts as one of unknown cost."""
    cost = Cost(Prices(), open_store())
    client = client_of(invoke, wire, layers=[cost])
    wire.answer = lambda _: answer(
        endless(BLOCK)(), "chunked", status=status, content_type="application/json"
    )
    with pytest.raises(ResponseTooLargeError):
        invoke(client.chat.completions.create, **CHAT, stream=stream)
    assert sum(row.sums["unknown"] for row in cost.report()) == counted


CONTROLS: dict[str, Any] = {
    "cost": True,
    "logs": True,
    "cache": {"scope": "all"},
    "budgets": [{"tokens": 10_000_000, "per": "day"}],
    "breaker": {"failures": 1000},
    "concurrency": 1,
    "models": {"m": ["m"]},
}


@pytest.mark.parametrize("controls", [None, CONTROLS], ids=["bare", "controls"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("deadline", [None, 60])
def test_in_an_application(
    invoke: Invoke, wire: Wire, controls: Any, stream: bool, deadline: float | None
) -> None:
    """The bounds are those of a provider's options, whatever policies are around its calls; these hold no place."""
    options = {"api_key": KEY, "base_url": wire.base_url, "max_retries": 0, "max_connections": 1}
    bounds = {"max_response_bytes": BOUND, "max_event_bytes": BOUND // 2}
    provider = ClientProvider({**options, **bounds, "controls": controls, "deadline": deadline})
    client = provider.client if invoke.sync else provider.async_client
    call = {**CHAT, "model": "m"}

    def ask() -> None:
        answered = invoke(client.chat.completions.create, **call, stream=stream)
        invoke.collect(answered)

    for body, kind in (endless(BLOCK), "application/json"), (endless(BLOCK, b"data: "), EVENT_STREAM):
        if stream or kind != EVENT_STREAM:
            wire.answer = lambda _, body=body, kind=kind: answer(body(), "chunked", content_type=kind)
            with pytest.raises(ResponseTooLargeError, match=r"max_(response|event)_bytes"):
                ask()
            wire.wait_for(lambda: wire.open == 0)
    wire.answer = lambda _: [b"".join(framed([b'{"id":"whole","choices":[]}'], "length"))]
    assert invoke(client.chat.completions.create, **call).id == "whole"
    if invoke.sync:
        provider.close()
    else:
        invoke(provider.aclose)


def test_of_a_further_client(invoke: Invoke, wire: Wire) -> None:
    """A client of a chain has bounds of its own."""
    further = {"base_url": wire.base_url, "max_response_bytes": BOUND, "max_retries": 0}
    controls = {"models": {"m": ["own/m"]}, "fallback": {"clients": {"own": further}}}
    config = ClientConfig.make(api_key=KEY, base_url="http://127.0.0.1:9/v1", controls=controls)
    layers = Assembly(config).layers()
    client = invoke.client(base_url="http://127.0.0.1:9/v1", layers=layers)
    wire.answer = lambda _: answer(endless(BLOCK)(), "chunked", content_type="application/json")
    with pytest.raises(ResponseTooLargeError, match=str(BOUND)):
        invoke(client.chat.completions.create, **{**CHAT, "model": "m"})


def test_what_the_adapters_send_on(invoke: Invoke, wire: Wire) -> None:
    """A stream that is given up ends with an error event for the application's own client."""
    client = client_of(invoke, wire)
    wire.answer = lambda _: answer(
        after_an_event(endless(BLOCK, b"data: ")), "chunked", content_type=EVENT_STREAM
    )
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    events_of: Any = sync_events if invoke.sync else async_events
    sent = b"".join(invoke.collect(events_of(stream, None)))
    assert sent.startswith(b'data: {"id":"1"')
    assert b"event: error" in sent
    assert b"[DONE]" not in sent
