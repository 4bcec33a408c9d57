"""Bodies of responses that were not whole when their head arrived: they hold a connection until they end."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .._http.library import Library
from .connection import Connection, S
from .connection_log import LAST, UNREAD
from .permits import Permits
from .sockets import READ_SIZE
from .sync_network import SyncNetworkStream

if TYPE_CHECKING:
    from .async_network import AsyncNetworkStream  # noqa: F401 - a type argument, which ruff takes for plain text
    from .pool import Pool

W = TypeVar("W")


class ResponseBody(Generic[S, W]):
    """Body of a response while it is on the wire.

    The connection goes back to the pool as soon as the end has arrived. Where the body is closed before that,
    what has arrived by then decides between giving the connection back and closing it. A body that is forgotten
    unread has its connection closed and its place freed when it is collected as garbage.

    It is also the `network_stream` among the response's extensions, as the HTTP library has one: while the body
    holds a connection, `get_extra_info` describes it, and every read goes through `read`.
    """

    _connection: Connection[S] | None = None  # for `__del__`, where Ctrl-C came before anything else

    def __init__(
        self,
        pool: "Pool[S, W]",
        permits: "Permits[Connection[S], W]",
        connection: Connection[S],
        parts: list[bytes],
        timeout: float | None,
    ) -> None:
        self._pool = pool
        self._permits = permits
        self._connection = connection
        self._parts = parts
        self._timeout = timeout

    def _take(self, connection: Connection[S], data: bytes) -> None:
        connection.wire.feed(data)
        if connection.wire.drain(self._parts):
            self._release(connection, LAST, keep=connection.wire.renew())

    def _release(self, connection: Connection[S], why: str | BaseException, *, keep: bool) -> None:
        self._connection = None  # first, as the connection may be another's at once
        self._pool.end(self._permits, connection, keep=keep, why=why)

    def get_extra_info(self, info: str) -> Any:
        """Return the connection's `socket`, `ssl_object`, `client_addr` or `server_addr`; `None` after the end."""
        connection = self._connection
        return None if connection is None else connection.stream.get_extra_info(info)

    def _arrived(self) -> bytes:
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return data

    def _fail(self, connection: Connection[S], error: BaseException) -> None:
        if self._connection is not None:
            self._release(connection, error, keep=False)
        self._pool.blame(error, sent=True)

    def _finish(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            data = connection.stream.read_buffered()
            if data:
                self._take(connection, data)
        except self._pool.failures:
            pass
        finally:
            if self._connection is not None:
                self._release(connection, UNREAD, keep=False)

    def __del__(self) -> None:
        if self._connection is not None:
            self._pool.forget(self._permits, self._connection)


class _SyncResponseBody(ResponseBody[SyncNetworkStream, W]):
    _reading = False

    def _release(
        self, connection: Connection[SyncNetworkStream], why: str | BaseException, *, keep: bool
    ) -> None:
        exchanges = connection.exchanges
        try:
            super()._release(connection, why, keep=keep)
        except BaseException:
            if connection.exchanges == exchanges:  # it was interrupted before it was done
                self._pool.forget(self._permits, connection)
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        while not self._parts:
            connection = self._connection
            if connection is None:
                raise StopIteration
            self._reading = True
            try:
                self._take(connection, self.read(READ_SIZE, self._timeout))
            except BaseException as error:
                self._fail(connection, error)
                raise
            finally:
                self._reading = False
        return self._arrived()

    def hurry(self, end: float) -> None:
        """Bound every read by *end*, in seconds of `time.monotonic`, until the exchange is over."""
        connection = self._connection
        if connection is not None:
            deadline = connection.stream.deadline
            connection.stream.deadline = end if deadline is None else min(deadline, end)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read from the connection, waiting up to *timeout* seconds."""
        connection = self._connection
        return b"" if connection is None else connection.stream.read(timeout, max_bytes)

    def close(self) -> None:
        """Release the connection; if another thread is reading, its read fails and that thread releases it."""
        connection = self._connection
        if self._reading and connection is not None:
            connection.stream.interrupt()
        else:
            self._finish()


class _AsyncResponseBody(ResponseBody["AsyncNetworkStream", W]):
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            connection = self._connection
            if connection is None:
                raise StopAsyncIteration
            stream = connection.stream
            try:
                arrival = stream.arrival(self._timeout)
                if arrival is not None:  # as `read` waits, without coroutines of its own
                    try:
                        await arrival
                    finally:
                        stream.arrived()
                self._take(connection, stream.read_buffered())
            except BaseException as error:
                self._fail(connection, error)
                raise
        return self._arrived()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has arrived, whatever *max_bytes* is, waiting up to *timeout* seconds."""
        del max_bytes
        connection = self._connection
        return b"" if connection is None else await connection.stream.read(timeout)

    async def aclose(self) -> None:
        """Release the connection, or have its loop do so where another one runs."""
        connection = self._connection
        if connection is None or connection.stream.is_here():
            self._finish()
        else:
            self._connection = None
            self._pool.forget(self._permits, connection)


@cache
def sync_body(library: Library) -> Callable[..., Any]:
    """Return the class of sync response bodies for an HTTP library."""
    return type("SyncBody", (_SyncResponseBody, library.http.SyncByteStream), {})


@cache
def async_body(library: Library) -> Callable[..., Any]:
    """Return the class of async response bodies for an HTTP library."""
    return type("AsyncBody", (_AsyncResponseBody, library.http.AsyncByteStream), {})
