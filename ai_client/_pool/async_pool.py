"""The pool of async clients, for the tasks of one event loop."""

import asyncio
import contextlib
import time
from functools import partial
from typing import TypeAlias
from weakref import ref

import httpx

from .._fork import here
from .._http.library import not_sent
from .._http.options import PoolOptions
from .async_connecting import open_stream
from .async_network import AsyncNetworkStream
from .async_transmission import transmit
from .connection import Connection, Route
from .connection_log import ABANDONED, CROWDED, DISPLACED, ENDED, LAST, SHUT_DOWN, STALE, UNREAD, write
from .message import Message, Origin, Received, message_of, response_of
from .permits import Permits
from .pool import TRIES, Pool
from .response_body import async_body
from .sockets import READ_SIZE
from .starvation import Starvation

_Turn: TypeAlias = asyncio.Future[None]
_Connection: TypeAlias = Connection[AsyncNetworkStream]
_Permits: TypeAlias = Permits[_Connection, _Turn]


def _lapse(reference: "ref[_Permits]", connection: _Connection) -> None:
    """Forget a connection on which something happens while it lies idle: it is of no more use, and closes itself."""
    permits = reference()
    if permits is not None and permits.drop(connection) and connection.log is not None:
        connection.log.closed(ENDED)
        connection.log.write()


class AsyncPool(Pool[AsyncNetworkStream, _Turn], httpx.AsyncBaseTransport):
    """Connections for the tasks of one event loop; a transport for an async client of the HTTP library.

    It belongs to the loop of its first request. Once that loop is closed, the next loop that uses the pool gets it,
    with new connections.
    """

    def __init__(self, options: PoolOptions | None = None) -> None:
        super().__init__(options)
        self._body = async_body(self._library)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._buffer = memoryview(b"")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return when the head of its response has arrived, as `send`.

        Timeouts are those of `request.extensions["timeout"]`, in seconds.
        """
        answer = await self.send(message_of(request, self._library))
        return response_of(answer, self._library)

    async def send(self, message: Message) -> Received:
        """Send a request; return when the head of its answer has arrived.

        Raises:
            TransportError: Of the HTTP library, with an attribute `may_have_been_sent`.
            RuntimeError: The pool is closed, or belongs to another loop.
        """
        here()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._bind(loop)
        timeouts, origin = message.timeouts, message.origin
        permits = self._permits
        if self._closed:
            self._check_open()
        if not permits.enter():
            await self._wait(loop, permits, timeouts.get("pool"))
            if message.phases is not None:
                message.phases.admitted()
        connection: _Connection | None = None
        before = 0
        try:
            while True:
                connection = None if message.fresh else self._idle(permits, origin)
                reused = connection is not None
                if connection is None:
                    connection = await self._open(permits, self._route(origin), message)
                before = connection.stream.sent
                try:
                    arrival = await transmit(connection, message)
                    return self._answer(permits, connection, arrival, timeouts.get("read"))
                except self._stale:
                    if not reused or connection.stream.sent > before:
                        raise
                    self._drop(permits, connection, STALE)
                    connection = None
        except BaseException as error:
            if connection is None:
                self._leave(permits)
            else:
                self.end(permits, connection, keep=False, why=error)
            self.blame(error, sent=connection is not None and connection.stream.sent > before)
            raise

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not None:
            if not self._loop.is_closed():
                raise RuntimeError(
                    "This connection pool belongs to another event loop, which is not closed: "
                    "use one client per loop, or a provider, which shares one among loops."
                )
            self.abandon()
        self._loop = loop
        self._buffer = memoryview(bytearray(READ_SIZE))

    async def _wait(self, loop: asyncio.AbstractEventLoop, permits: _Permits, timeout: float | None) -> None:
        turn: _Turn = loop.create_future()
        permits.queue(turn)
        starvation = Starvation(timeout)
        timer: asyncio.TimerHandle

        def starve() -> None:
            nonlocal timer
            if starvation.relieve():
                timer = loop.call_later(starvation.pause(), starve)
            else:  # collected connections end in the loop's next iteration
                timer = loop.call_later(0, self._expire, permits, turn)

        timer = loop.call_later(starvation.pause(), starve)
        try:
            await turn
        except BaseException as error:
            self.blame(error, sent=False)
            if not permits.unqueue(turn) and not turn.cancelled() and turn.exception() is None:
                self._leave(permits)  # cancelled after the permit was given
            raise
        finally:
            timer.cancel()

    def _expire(self, permits: _Permits, turn: _Turn) -> None:
        if not turn.done() and permits.unqueue(turn):
            turn.set_exception(self._pool_timeout())

    def _idle(self, permits: _Permits, origin: Origin) -> _Connection | None:
        """Take an idle connection that is fit for use."""
        for _ in range(TRIES):
            connection = permits.take(origin)
            if connection is None:
                return None
            connection.stream.idle = False
            if self._fit(connection):
                if connection.log is not None:
                    self._reuse(connection, connection.log)
                return connection
            self._drop(permits, connection, self._expired(connection, ENDED))
        return None

    def _drop(self, permits: _Permits, connection: _Connection, why: str) -> None:
        """Close a connection and keep the permit."""
        self._shut(connection, why)
        permits.busy.discard(connection)
        if self._unwritten:
            write(self._unwritten)

    async def _open(self, permits: _Permits, route: Route, message: Message) -> _Connection:
        phases = message.phases
        if phases is not None:
            phases.admitted()
        if (displaced := permits.displaced()) is not None:
            self._shut(displaced, DISPLACED)
        timeout, log = message.timeouts.get("connect"), self._log(route, permits)
        try:
            stream = await open_stream(route, self._options, self._library, timeout, self._buffer)
        except BaseException as error:
            if log is not None:
                log.not_opened(error)
                write(self._unwritten)
            raise
        finally:
            if phases is not None:
                phases.connected()
        if self._closed:
            stream.close()
        self._check_open()
        connection = Connection(message.origin, route, stream, self._library, log)
        if log is not None:
            log.opened()
        stream.lapse = partial(_lapse, ref(permits), connection)
        self._count(permits)
        permits.busy.add(connection)
        if self._unwritten:
            write(self._unwritten)
        return connection

    def end(
        self,
        permits: _Permits,
        connection: _Connection,
        *,
        keep: bool,
        why: str | BaseException = LAST,
    ) -> None:
        """End a request: keep the connection or close it, and pass the permit on; does nothing the second time."""
        if connection not in permits.busy:
            return
        now = time.monotonic()
        keep = keep and not self._closed
        if not keep:
            self._shut(connection, SHUT_DOWN if self._closed else why)
        turn = permits.end(connection, now if keep else None)
        if turn is not None:
            self._pass_on(permits, turn)
        if keep:
            connection.stream.rest()
        for expired in permits.expired(now):
            self._shut(expired, self._expired(expired, CROWDED))
        if self._unwritten:
            write(self._unwritten)

    def _leave(self, permits: _Permits) -> None:
        self._pass_on(permits, permits.leave())

    def _pass_on(self, permits: _Permits, turn: _Turn | None) -> None:
        while turn is not None and turn.done():  # cancelled, but its task did not run yet
            turn = permits.leave()
        if turn is not None:
            turn.set_result(None)

    def forget(self, permits: _Permits, connection: _Connection) -> None:
        """End a request from a finalizer or from another loop: in the loop's next round; now where it is closed."""
        loop = self._loop
        if loop is None or permits is not self._permits:
            return
        try:
            loop.call_soon_threadsafe(self._end_forgotten, permits, connection)
        except RuntimeError:  # the loop is closed
            with contextlib.suppress(KeyError):  # another thread was first
                permits.busy.remove(connection)
                connection.stream.abandon()
                if connection.log is not None:
                    connection.log.closed(ABANDONED)

    def _end_forgotten(self, permits: _Permits, connection: _Connection) -> None:
        self.end(permits, connection, keep=False, why=UNREAD)

    async def aclose(self) -> None:
        """Close every connection; requests under way and those that wait fail."""
        if self._loop is not None and self._loop is asyncio.get_running_loop():
            self._closed = True
            for connection in self._close():
                await connection.stream.closed()
        else:
            self.close_elsewhere()

    def close_elsewhere(self) -> None:
        """Close every connection from outside of its loop: that does it as soon as it runs, or takes them along.

        Only the loop may let go of what its selector watches. For the servers the connections of a loop between two
        runs end now.
        """
        self._closed = True
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._close)
        except RuntimeError:  # it is closed
            self.abandon()
            return
        if not loop.is_running():
            for connection in self._permits.connections():
                connection.stream.end()

    def _close(self) -> list[_Connection]:
        connections = self._permits.connections()
        turns = self._permits.clear()[1]
        for connection in connections:
            self._shut(connection, SHUT_DOWN)
        for turn in turns:
            if not turn.done():
                turn.set_exception(not_sent(RuntimeError("This connection pool was closed.")))
        if self._unwritten:
            write(self._unwritten)
        return connections

    def abandon(self) -> None:
        """Drop every connection, as `Pool.abandon`, and forget the event loop."""
        super().abandon()
        self._loop = None

    def __del__(self) -> None:
        loop: asyncio.AbstractEventLoop | None = self.__dict__.get("_loop")
        if loop is None:
            return
        for connection in self._permits.connections():
            try:
                loop.call_soon_threadsafe(connection.stream.close)
            except RuntimeError:  # the loop is closed
                connection.stream.abandon()
