"""The end of one exchange on a connection: whether another may follow, which only a clean connection allows."""

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from ai_client._http.library import library
from ai_client._pool import async_transmission, sync_transmission
from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.connection import Connection
from ai_client._pool.message import message_of
from ai_client._pool.sync_pool import SyncPool
from ai_client._pool.usual_wire import UsualWire

ANSWER = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}"
ORIGIN = ("http", b"h", 80, None)
HEADERS = [(b"Host", b"h"), (b"Content-Length", b"2")]


class BrokenStream:
    """A stream over which a part of the request goes, and then an answer comes."""

    def __init__(self) -> None:
        self.sent = 0
        self.closed = False

    def write(self, data: bytes, timeout: float | None) -> None:
        """Send some of it, and fail."""
        del timeout
        self.sent += len(data) // 2
        raise httpx.WriteError("It broke.") from BrokenPipeError()

    def read(self, timeout: float | None) -> bytes:
        """Return an answer."""
        del timeout
        return ANSWER

    def rest(self) -> None:
        """Be idle."""

    def close(self) -> None:
        """Be closed."""
        self.closed = True


class AsyncBrokenStream(BrokenStream):
    """The same for a task."""

    hand_over = BrokenStream.write

    def arrival(self, timeout: float | None) -> None:
        """Return that there is something to receive."""
        del timeout

    def read_buffered(self) -> bytes:
        """Return an answer."""
        return ANSWER


def connection_over(stream: Any) -> Connection[Any]:
    """Return a connection over a stream."""
    route: Any = SimpleNamespace(forwarding=None, host="h", port=80)
    return Connection(ORIGIN, route, stream, library("httpx"))


@pytest.mark.parametrize("sync", [True, False])
def test_a_connection_that_broke_while_it_was_written_to_is_not_used_again(sync: bool) -> None:
    """The answer to a request of which a part was sent counts, and the connection is good for no other."""
    message = message_of(httpx.Request("POST", "http://h/", content=b"{}"), library("httpx"))
    connection = connection_over(BrokenStream() if sync else AsyncBrokenStream())
    if sync:
        answer = sync_transmission.transmit(connection, message)
    else:
        answer = asyncio.run(async_transmission.transmit(connection, message))
    head, parts, whole = answer
    assert (head.status_code, b"".join(parts), whole) == (413, b"{}", True)
    assert not connection.wire.renew()


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (None, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),  # of a request that goes on
        (b"{}", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
        (b"{}", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    ],
)
def test_an_exchange_that_is_not_over_is_followed_by_none(body: bytes | None, answer: bytes) -> None:
    """A connection takes another request only when both sides have said all, and neither is going to close."""
    wire = UsualWire(library("httpx"))
    wire.head("POST", b"/", HEADERS)
    if body is not None:
        wire.body(body)
        wire.end()
    wire.feed(answer)
    assert wire.response() is not None
    wire.drain([])
    assert not wire.renew()


@pytest.mark.parametrize("kind", [SyncPool, AsyncPool])
@pytest.mark.parametrize("closed", [True, False])
def test_a_closed_pool_keeps_no_connection(kind: Any, closed: bool) -> None:
    """A request that ends well after its pool was closed leaves no connection open."""
    pool = kind()
    connection = connection_over(BrokenStream())
    permits = pool._permits
    assert permits.enter()
    permits.busy.add(connection)
    pool._closed = closed
    pool.end(permits, connection, keep=True)
    assert connection.stream.closed is closed
    assert permits.idle() == ([] if closed else [connection])
    assert (permits.in_use, len(permits.busy)) == (0, 0)


@pytest.mark.parametrize("kind", [SyncPool, AsyncPool])
def test_the_end_of_a_request_comes_once(kind: Any) -> None:
    """A request that is ended twice gives back one permit."""
    pool = kind()
    connection = connection_over(BrokenStream())
    permits = pool._permits
    assert permits.enter()
    assert permits.enter()
    permits.busy.add(connection)
    for _ in range(2):
        pool.end(permits, connection, keep=False)
    assert permits.in_use == 1
    assert connection.stream.closed


class StubbornStream(BrokenStream):
    """A stream that fails to close."""

    def close(self) -> None:
        """Fail."""
        raise OSError(5, "Input/output error")


def test_a_connection_that_fails_to_close_gives_its_permit_back() -> None:
    """An error out of closing a connection loses no permit."""
    pool = SyncPool()
    permits: Any = pool._permits
    assert permits.enter()
    connection = connection_over(StubbornStream())
    permits.busy.add(connection)
    with pytest.raises(OSError, match="Input/output"):
        pool.end(permits, connection, keep=False)
    assert (permits.in_use, len(permits.busy)) == (0, 0)
    assert not pool._guard.lock.locked()
