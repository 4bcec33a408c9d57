"""Base of the sync and the async pool.

A pool owns a connection while a request runs on it. Whatever ends the request before its response is whole closes
the connection and frees its place at once; nothing of that waits, so nothing can interrupt it.
"""

import time
import weakref
from collections import deque
from collections.abc import Callable
from traceback import clear_frames
from typing import Any, Generic, TypeVar

from .._fork import here, in_child
from .._http.library import library, not_sent
from .._http.options import PoolOptions
from .connection import Connection, Route, S
from .connection_log import ABANDONED, EXPIRED, LAST, ConnectionLog, Unwritten, is_wanted, write
from .message import Arrival, Origin, Received
from .opened import Opened
from .permits import Permits, PoolStats
from .proxy import Proxies

W = TypeVar("W")

# Idle connections that one request tries before it opens one: after a restart of the server all may be dead.
TRIES = 3
# After it a server often closes the connection without saying so, as uvicorn does where an application failed.
_SERVER_ERROR = 500


class Pool(Generic[S, W]):
    """Base of both pools; `W` is the type of a waiter for a permit."""

    _body: Callable[..., Any]
    counted_in: Opened | None = None
    """Where each opened connection is counted beside, for pools of one owner."""

    def __init__(self, options: PoolOptions | None = None) -> None:
        self._options = options or PoolOptions()
        self._library = library(self._options.library)
        self._errors: Any = self._library.http
        environment = self._options.trust_env and self._options.environment_proxies
        self._proxies = Proxies(
            self._options.proxy, trust_env=environment, headers=self._options.proxy_headers
        )
        self._permits: Permits[Connection[S], W] = self._new_permits()
        self._closed = False
        self.failures: tuple[type[Exception], ...] = (self._errors.TransportError,)
        self._stale: tuple[type[Exception], ...] = (
            self._errors.NetworkError,
            self._errors.RemoteProtocolError,
        )
        self._unwritten: Unwritten = deque()
        _pools.add(self)

    def _new_permits(self) -> "Permits[Connection[S], W]":
        options = self._options
        return Permits(options.max_connections, options.keepalive_expiry, options.max_idle)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stats()}>"

    def stats(self) -> PoolStats:
        """Count connections and requests."""
        here()
        return self._permits.stats()

    @property
    def bound(self) -> int:
        """The most connections."""
        return self._options.max_connections

    def pressure(self) -> tuple[int, float]:
        """Return how many requests wait for a connection, and for how many seconds the first of them has."""
        here()
        return self._permits.pressure()

    def abandon(self) -> None:
        """Drop every connection without closing it towards the server, and start empty.

        For connections that are another process's, after a fork, or whose event loop is closed. A pool does so
        by itself in the child of a fork.
        """
        permits, self._permits = self._permits, self._new_permits()
        self._unwritten.clear()  # in the child of a fork they are its parent's
        for connection in permits.surrender():
            connection.stream.abandon()
            if connection.log is not None:
                connection.log.closed(ABANDONED)

    def _count(self, permits: "Permits[Connection[S], W]") -> None:
        """Count an opened connection."""
        permits.opened += 1
        if self.counted_in is not None:
            self.counted_in.add()

    def _check_open(self) -> None:
        if self._closed:
            raise not_sent(RuntimeError("This connection pool is closed."))

    def _pool_timeout(self) -> Exception:
        bound = self._options.max_connections
        error: Exception = self._errors.PoolTimeout(f"Timed out waiting for one of {bound} connections.")
        self.blame(error, sent=False)
        return error

    def _route(self, origin: Origin) -> Route:
        return Route(origin, self._proxies, self._options, self._library)

    def _answer(
        self,
        permits: "Permits[Connection[S], W]",
        connection: Connection[S],
        arrival: Arrival,
        timeout: float | None,
    ) -> Received:
        """Return an answer, whose body takes up to *timeout* seconds for a read.

        The connection of an answer that is whole is free for the next request, unless the server failed.
        """
        head, parts, is_whole = arrival
        if head.status_code == _SERVER_ERROR:
            connection.wire.cut()
        if not is_whole:
            body = self._body(self, permits, connection, parts, timeout)
            return head, body, body
        self.end(permits, connection, keep=connection.wire.renew(), why=LAST)
        return head, parts[0] if len(parts) == 1 else b"".join(parts), connection.addresses

    def _log(self, route: Route, permits: "Permits[Connection[S], W]") -> ConnectionLog | None:
        """Return what logs a connection that is about to be opened, if anybody wants to know."""
        return (
            ConnectionLog(route.shown, self._options.owner, permits, self._unwritten) if is_wanted() else None
        )

    def _reuse(self, connection: Connection[S], log: ConnectionLog) -> None:
        log.reused(connection.idle_since)
        write(self._unwritten)

    def _shut(self, connection: Connection[S], why: str | BaseException) -> None:
        connection.stream.close()
        if connection.log is not None:
            connection.log.closed(why)

    def _expired(self, connection: Connection[S], otherwise: str) -> str:
        """Return why an idle connection is closed: it expired, or *otherwise*."""
        idle_for = time.monotonic() - connection.idle_since
        return EXPIRED if idle_for > self._options.keepalive_expiry else otherwise

    def _fit(self, connection: Connection[S]) -> bool:
        idle_since = connection.idle_since
        return time.monotonic() - idle_since <= self._options.keepalive_expiry and connection.stream.quiet()

    def blame(self, error: BaseException, *, sent: bool) -> None:
        """Note on an error of the HTTP library, or an interruption, whether the server may have seen the request.

        The variables of the functions that it passed are let go: debug pages and error trackers show them, and the
        bytes of a request hold its key.
        """
        cause: BaseException | None = error
        while cause is not None:
            clear_frames(cause.__traceback__)
            cause = cause.__cause__
        if isinstance(error, self.failures) or not isinstance(error, Exception):
            error.may_have_been_sent = sent  # type: ignore[attr-defined]  # our addition; `_http` reads it

    def end(
        self,
        permits: "Permits[Connection[S], W]",
        connection: Connection[S],
        *,
        keep: bool,
        why: str | BaseException = LAST,
    ) -> None:
        """End a request: keep the connection or close it, and give the permit on.

        Args:
            permits: Those that the request was admitted by.
            connection: The one that it used.
            keep: Whether the connection can be used again.
            why: The reason if it cannot, for the log.
        """
        raise NotImplementedError

    def forget(self, permits: "Permits[Connection[S], W]", connection: Connection[S]) -> None:
        """End a request from a finalizer, which may run in any thread at any point."""
        raise NotImplementedError


_pools: "weakref.WeakSet[Pool[Any, Any]]" = weakref.WeakSet()


def _abandon_all() -> None:
    for pool in list(_pools):
        pool.abandon()


in_child(_abandon_all)
