"""The pool of sync clients, for any number of threads."""

import contextlib
import threading
import time
from functools import partial
from typing import TypeAlias

import httpx

from .._fork import here
from .._http.options import PoolOptions
from .connection import Connection, Route
from .connection_log import CROWDED, DISPLACED, ENDED, LAST, SHUT_DOWN, STALE, UNREAD, write
from .guard import Guard
from .message import Message, Origin, Received, message_of, response_of
from .permits import Permits, PoolStats
from .pool import TRIES, Pool
from .response_body import sync_body
from .sockets import time_for
from .starvation import Starvation
from .sync_connecting import open_stream
from .sync_network import SyncNetworkStream, spoken
from .sync_transmission import transmit

_LOOK_SECONDS = 5.0
"""How often a pool in use looks for idle connections that their servers have ended."""


class _Turn:
    """A thread that waits for a permit."""

    __slots__ = ("granted", "signal")

    def __init__(self) -> None:
        self.granted = False
        self.signal = threading.Lock()
        self.signal.acquire()


_Connection: TypeAlias = Connection[SyncNetworkStream]
_Permits: TypeAlias = Permits[_Connection, _Turn]


class SyncPool(Pool[SyncNetworkStream, _Turn], httpx.BaseTransport):
    """Connections for threads; a transport for a sync client of the HTTP library."""

    def __init__(self, options: PoolOptions | None = None) -> None:
        super().__init__(options)
        self._body = sync_body(self._library)
        self._guard = Guard()
        self._looked = time.monotonic()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return when the head of its response has arrived, as `send`.

        Timeouts are those of `request.extensions["timeout"]`, in seconds.
        """
        answer = self.send(message_of(request, self._library))
        return response_of(answer, self._library)

    def send(self, message: Message) -> Received:
        """Send a request; return when the head of its answer has arrived.

        Raises:
            TransportError: Of the HTTP library, with an attribute `may_have_been_sent`.
            RuntimeError: The pool is closed.
        """
        here()
        timeouts, origin = message.timeouts, message.origin
        deadline = message.deadline
        permits = self._permits
        self._admit(permits, message)
        connection: _Connection | None = None
        before = exchanges = 0
        try:
            while True:
                connection = None if message.fresh else self._idle(permits, origin)
                reused = connection is not None
                if connection is None:
                    connection = self._open(permits, self._route(origin), message)
                connection.stream.deadline = deadline
                before, exchanges = connection.stream.sent, connection.exchanges
                try:
                    arrival = transmit(connection, message)
                    return self._answer(permits, connection, arrival, timeouts.get("read"))
                except self._stale:
                    if not reused or connection.stream.sent > before:
                        raise
                    self._drop(permits, connection, STALE)
                    connection = None
        except BaseException as error:
            if connection is None:
                with self._guard.lock:
                    self._leave(permits)
                if self._guard.left:
                    self._guard.settle()
            elif connection.exchanges == exchanges:  # else it may be another's by now
                self.end(permits, connection, keep=False, why=error)
            self.blame(error, sent=connection is not None and connection.stream.sent > before)
            raise

    def _admit(self, permits: _Permits, message: Message) -> None:
        with self._guard.lock:
            self._check_open()
            if permits.enter():
                return
            turn = _Turn()
            permits.queue(turn)
        if self._guard.left:
            self._guard.settle()
        try:
            with contextlib.suppress(TimeoutError):
                self._wait(turn, time_for(message.timeouts.get("pool"), message.deadline))
        except BaseException as error:
            self.blame(error, sent=False)
            with self._guard.lock:
                permits.unqueue(turn)
                if turn.granted:
                    self._leave(permits)
            if self._guard.left:
                self._guard.settle()
            raise
        with self._guard.lock:
            too_late = permits.unqueue(turn)
        if self._guard.left:
            self._guard.settle()
        if too_late:
            raise self._pool_timeout()
        if not turn.granted:
            self._check_open()
        if message.phases is not None:
            message.phases.admitted()

    def _wait(self, turn: _Turn, limit: float | None) -> None:
        starvation = Starvation(limit)
        while not turn.signal.acquire(timeout=starvation.pause()):
            if not starvation.relieve():
                return

    def _idle(self, permits: _Permits, origin: Origin) -> _Connection | None:
        """Take an idle connection that is fit for use."""
        for _ in range(TRIES):
            with self._guard.lock:
                connection = permits.take(origin)
            if connection is None:
                return None
            try:
                if self._guard.left:
                    self._guard.settle()
                if self._fit(connection):
                    if connection.log is not None:
                        self._reuse(connection, connection.log)
                    return connection
            except BaseException as error:
                self._drop(permits, connection, error)
                raise
            self._drop(permits, connection, self._expired(connection, ENDED))
        return None

    def _drop(self, permits: _Permits, connection: _Connection, why: str | BaseException) -> None:
        """Close a connection and keep the permit."""
        self._shut(connection, why)
        with self._guard.lock:
            permits.busy.discard(connection)
        if self._unwritten:
            write(self._unwritten)

    def _open(self, permits: _Permits, route: Route, message: Message) -> _Connection:
        phases = message.phases
        if phases is not None:
            phases.admitted()
        with self._guard.lock:
            if (displaced := permits.displaced()) is not None:
                self._shut(displaced, DISPLACED)
        timeout, log = message.timeouts.get("connect"), self._log(route, permits)
        try:
            stream = open_stream(route, self._options, self._library, timeout, message.deadline)
        except BaseException as error:
            if log is not None:
                log.not_opened(error)
                write(self._unwritten)
            raise
        finally:
            if phases is not None:
                phases.connected()
        try:
            connection = Connection(message.origin, route, stream, self._library, log)
            if log is not None:
                log.opened()
            with self._guard.lock:
                self._check_open()
                self._count(permits)
                permits.busy.add(connection)
        except BaseException:
            stream.close()
            raise
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
        with self._guard.lock:
            self._end(permits, connection, keep, why)
        if self._guard.left:
            self._guard.settle()
        if self._unwritten:
            write(self._unwritten)

    def _end(self, permits: _Permits, connection: _Connection, keep: bool, why: str | BaseException) -> None:
        if connection not in permits.busy:
            return
        now = time.monotonic()
        keep = keep and not self._closed
        try:
            if not keep:
                self._shut(connection, SHUT_DOWN if self._closed else why)
        finally:
            turn = permits.end(connection, now if keep else None)
            if turn is not None:
                turn.granted = True
                turn.signal.release()
        for expired in permits.expired(now):
            self._shut(expired, self._expired(expired, CROWDED))
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._close_ended(permits)

    def _close_ended(self, permits: _Permits) -> None:
        """Close idle connections that expired or that the server has closed, which nothing else notices."""
        idle = permits.idle()
        heard = spoken([connection.stream for connection in idle])
        for connection in idle:
            if connection.stream in heard:
                permits.drop(connection)
                self._shut(connection, ENDED)

    def stats(self) -> PoolStats:
        """Count connections and requests; what servers have ended is closed first."""
        here()
        self._guard.later(lambda: self._close_ended(self._permits))
        return super().stats()

    def _leave(self, permits: _Permits) -> None:
        turn = permits.leave()
        if turn is not None:
            turn.granted = True
            turn.signal.release()

    def forget(self, permits: _Permits, connection: _Connection) -> None:
        """End a request from a finalizer."""
        self._guard.later(partial(self._end, permits, connection, keep=False, why=UNREAD))

    def close(self) -> None:
        """Close every connection; requests under way and those that wait fail."""
        with self._guard.lock:
            self._closed = True
            idle, turns = self._permits.clear()
            for connection in idle:
                self._shut(connection, SHUT_DOWN)
            for turn in turns:
                turn.signal.release()
            busy = [*self._permits.busy]
        if self._guard.left:
            self._guard.settle()
        for connection in busy:
            connection.stream.interrupt()
        if self._unwritten:
            write(self._unwritten)

    def abandon(self) -> None:
        """Drop every connection, as `Pool.abandon`, and renew the lock, which a lost thread may hold."""
        self._guard = Guard()
        super().abandon()

    def __del__(self) -> None:
        permits: _Permits | None = self.__dict__.get("_permits")
        if permits is not None:
            for connection in permits.clear()[0]:
                connection.stream.close()
