"""The pool of sync clients, for any number of threads."""

import contextlib
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias

import h11
import httpx

from .._fork import here
from .._http.library import DEADLINE
from .._http.options import PoolOptions
from .connection import Connection, Origin, Route, origin_of
from .http11 import Wire
from .permits import Permits, PoolStats
from .pool import TRIES, Pool, Timeouts
from .response_body import sync_body
from .starvation import Starvation
from .sync_network import SyncNetworkStream, spoken, time_for

_LOOK_SECONDS = 5.0
"""How often a pool in use looks for idle connections that their servers have ended."""


def _parts(request: httpx.Request, wire: Wire) -> Iterator[bytes]:
    """Return the parts of a request's body as they go over the wire."""
    content: Any = request.stream
    for chunk in content:
        yield wire.body(chunk)
    yield wire.end()


class _Turn:
    """A thread that waits for a permit."""

    __slots__ = ("granted", "signal")

    def __init__(self) -> None:
        self.granted = False
        self.signal = threading.Lock()
        self.signal.acquire()


_Connection: TypeAlias = Connection[SyncNetworkStream]
_Permits: TypeAlias = Permits[_Connection, _Turn]


class _Guard:
    """The lock of a pool; finalizers, which may run while their own thread holds it, leave their work to its holder."""

    __slots__ = ("_left", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: deque[Callable[[], None]] = deque()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()
        if self._left:
            self._settle()

    def later(self, action: Callable[[], None]) -> None:
        """Run *action* under the lock: now, or when its holder releases it."""
        self._left.append(action)
        self._settle()

    def _settle(self) -> None:
        while self._left and self._lock.acquire(blocking=False):
            try:
                while self._left:
                    self._left.popleft()()
            finally:
                self._lock.release()


class SyncPool(Pool[SyncNetworkStream, _Turn], httpx.BaseTransport):
    """Connections for threads; a transport for a sync client of the HTTP library."""

    def __init__(self, options: PoolOptions | None = None) -> None:
        super().__init__(options)
        self._body = sync_body(self._library)
        self._guard = _Guard()
        self._looked = time.monotonic()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return when the head of its response has arrived.

        Timeouts are those of `request.extensions["timeout"]`, in seconds.

        Raises:
            TransportError: Of the HTTP library, with an attribute `may_have_been_sent`.
            RuntimeError: The pool is closed.
        """
        here()
        timeouts: Timeouts = request.extensions.get("timeout") or {}
        deadline: float | None = request.extensions.get(DEADLINE)
        origin = origin_of(request)
        permits = self._permits
        self._admit(permits, timeouts.get("pool"), deadline)
        connection: _Connection | None = None
        before = 0
        try:
            while True:
                connection = self._idle(permits, origin)
                reused = connection is not None
                if connection is None:
                    connection = self._open(permits, self._route(origin), origin, timeouts, deadline)
                connection.stream.deadline = deadline
                before = connection.stream.sent
                try:
                    return self._transmit(permits, connection, request, timeouts)
                except self._stale:
                    if not reused or connection.stream.sent > before:
                        raise
                    self._drop(permits, connection)
                    connection = None
        except BaseException as error:
            if connection is None:
                with self._guard:
                    self._leave(permits)
            else:
                self.end(permits, connection, keep=False)
            self.blame(error, sent=connection is not None and connection.stream.sent > before)
            raise

    def _transmit(
        self, permits: _Permits, connection: _Connection, request: httpx.Request, timeouts: Timeouts
    ) -> httpx.Response:
        stream, wire = connection.stream, connection.wire
        limit = timeouts.get("write")
        before = stream.sent
        try:
            opening, complete = connection.opening(request)
            stream.write(opening[0], limit)
            head = self._upload(connection, opening[1:] if complete else _parts(request, wire), limit)
        except self._errors.WriteError as error:
            if stream.sent == before or not isinstance(error.__cause__, ConnectionError | ssl.SSLError):
                raise
            wire.cut()  # a server may answer and close before it has read everything; the answer says why
            head = None
        limit = timeouts.get("read")
        while head is None and (head := wire.response()) is None:
            wire.feed(stream.read(limit))
        parts: list[bytes] = []
        if not wire.drain(parts):
            body = self._body(self, permits, connection, parts, limit)
            return connection.response(head, body, whole=False)
        response = connection.response(head, self._errors.ByteStream(b"".join(parts)), whole=True)
        self.end(permits, connection, keep=wire.renew())
        return response

    def _upload(
        self, connection: _Connection, parts: Iterable[bytes], limit: float | None
    ) -> h11.Response | None:
        """Send the rest of a request unless it is answered early; return the head of an early answer."""
        wire = connection.wire
        head: h11.Response | None = None

        def answers(said: bytes) -> bool:
            nonlocal head
            wire.feed(said)
            head = wire.response()
            return head is not None

        for part in parts:
            if connection.stream.upload(part, limit, answers):
                wire.cut()
                break
        return head

    def _admit(self, permits: _Permits, timeout: float | None, deadline: float | None) -> None:
        with self._guard:
            self._check_open()
            if permits.enter():
                return
            turn = _Turn()
            permits.queue(turn)
        try:
            with contextlib.suppress(TimeoutError):
                self._wait(turn, time_for(timeout, deadline))
        except BaseException as error:
            self.blame(error, sent=False)
            with self._guard:
                permits.unqueue(turn)
                if turn.granted:
                    self._leave(permits)
            raise
        with self._guard:
            too_late = permits.unqueue(turn)
        if too_late:
            raise self._pool_timeout()
        if not turn.granted:
            self._check_open()

    def _wait(self, turn: _Turn, limit: float | None) -> None:
        starvation = Starvation(limit)
        while not turn.signal.acquire(timeout=starvation.pause()):
            if not starvation.relieve():
                return

    def _idle(self, permits: _Permits, origin: Origin) -> _Connection | None:
        """Take an idle connection that is fit for use."""
        for _ in range(TRIES):
            with self._guard:
                connection = permits.take(origin)
            if connection is None or self._fit(connection):
                return connection
            self._drop(permits, connection)
        return None

    def _drop(self, permits: _Permits, connection: _Connection) -> None:
        """Close a connection and keep the permit."""
        connection.stream.close()
        with self._guard:
            permits.busy.discard(connection)

    def _open(
        self, permits: _Permits, route: Route, origin: Origin, timeouts: Timeouts, deadline: float | None
    ) -> _Connection:
        with self._guard:
            if (displaced := permits.displaced()) is not None:
                displaced.stream.close()
        timeout = timeouts.get("connect")
        stream = SyncNetworkStream.connect(*route.address, timeout, self._library, deadline)
        try:
            proxy = route.proxy
            if proxy is not None and proxy.scheme == "https":
                stream.start_tls(self._options.proxy_tls(), proxy.host, timeout, self._library)
            if proxy is not None and route.forwarding is None:
                self._tunnel(stream, route, timeout)
            if route.secure:
                stream.start_tls(self._options.tls(), route.name, timeout, self._library)
            connection = Connection(origin, route, stream, self._library)
            with self._guard:
                self._check_open()
                permits.opened += 1
                permits.busy.add(connection)
        except BaseException:
            stream.close()
            raise
        return connection

    def _tunnel(self, stream: SyncNetworkStream, route: Route, timeout: float | None) -> None:
        preamble = route.tunnel(self._library)
        data = next(preamble)
        while True:
            if data:
                stream.write(data, timeout)
            try:
                data = preamble.send(stream.read(timeout))
            except StopIteration:
                return

    def end(self, permits: _Permits, connection: _Connection, *, keep: bool) -> None:
        """End a request: keep the connection or close it, and pass the permit on; does nothing the second time."""
        with self._guard:
            self._end(permits, connection, keep)

    def _end(self, permits: _Permits, connection: _Connection, keep: bool) -> None:
        if connection not in permits.busy:
            return
        now = time.monotonic()
        if keep and not self._closed:
            permits.shelve(connection, now)
        else:
            connection.stream.close()
            permits.busy.discard(connection)
        for expired in permits.expired(now):
            expired.stream.close()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._close_ended(permits)
        self._leave(permits)

    def _close_ended(self, permits: _Permits) -> None:
        """Close idle connections that expired or that the server has closed, which nothing else notices."""
        idle = permits.idle()
        heard = spoken([connection.stream for connection in idle])
        for connection in idle:
            if connection.stream in heard:
                permits.drop(connection)
                connection.stream.close()

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
        self._guard.later(partial(self._end, permits, connection, keep=False))

    def close(self) -> None:
        """Close every connection; requests under way and those that wait fail."""
        with self._guard:
            self._closed = True
            idle, turns = self._permits.clear()
            for connection in idle:
                connection.stream.close()
            for turn in turns:
                turn.signal.release()
            busy = [*self._permits.busy]
        for connection in busy:
            connection.stream.interrupt()

    def abandon(self) -> None:
        """Drop every connection, as `Pool.abandon`, and renew the lock, which a lost thread may hold."""
        self._guard = _Guard()
        super().abandon()

    def __del__(self) -> None:
        permits: _Permits | None = self.__dict__.get("_permits")
        if permits is not None:
            for connection in permits.clear()[0]:
                connection.stream.close()
