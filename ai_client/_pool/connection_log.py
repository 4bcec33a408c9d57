"""The log of connections: opened, reused, closed and why.

Records are written outside of the pools' locks, by whoever uses the pool next: a handler may take its time, or hold a
lock of its own in the thread whose finalizer ends a request.
"""

import itertools
import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import ref

if TYPE_CHECKING:
    from .permits import Permits

logger = logging.getLogger("ai_client.connections")
Unwritten: TypeAlias = "deque[tuple[ConnectionLog, str]]"
_numbers = itertools.count(1)
LAST = (
    "its last answer was read: the server ends it, answered 500, or answered before it had read the request"
)
STALE = "the server ended it before it answered"
ENDED = "the server ended it while it was idle"
EXPIRED = "idle for longer than keepalive_expiry"
CROWDED = "too many are idle"
DISPLACED = "max_connections leaves no room for it beside another"
SHUT_DOWN = "the client was closed"
UNREAD = "its answer was not read to the end"
ABANDONED = "it belongs to the process that this one was forked from, or to an event loop that was closed"


def is_wanted() -> bool:
    """Return whether connections that are opened now are logged."""
    return logger.isEnabledFor(logging.DEBUG)


class ConnectionLog:
    """The records of one connection, from before it is opened.

    Args:
        way: Where it leads to, and over what, as it may be shown.
        client: The name of the client that it belongs to.
        permits: The state of the pool, which each record shows.
        unwritten: Records that wait to be written.
    """

    __slots__ = ("_began", "_name", "_permits", "_requests", "_rested", "_unwritten")

    def __init__(self, way: str, client: str, permits: "Permits[Any, Any]", unwritten: Unwritten) -> None:
        self._began = self._rested = time.monotonic()
        self._requests = 0
        self._permits = ref(permits)  # which hold this
        self._unwritten = unwritten
        self._name = f"{next(_numbers)} of {client} to {way}"

    def opened(self) -> None:
        """Log that the connection was opened, and how long that took: name, TCP, proxy and TLS."""
        self._requests = 1
        self._add(f"opened in {time.monotonic() - self._began:.3f} s")
        self._began = time.monotonic()

    def not_opened(self, error: BaseException) -> None:
        """Log that the connection was not opened."""
        self._add(f"not opened after {time.monotonic() - self._began:.3f} s: {_why(error)}")

    def reused(self, idle_since: float) -> None:
        """Log that the connection is used again."""
        self._requests += 1
        self._add(f"reused for request {self._requests}, idle for {time.monotonic() - idle_since:.3f} s")

    def closed(self, why: str | BaseException) -> None:
        """Log that the connection was closed, and why: an error is shown by the name of its class."""
        number = "1 request" if self._requests == 1 else f"{self._requests} requests"
        self._add(f"closed after {number} in {time.monotonic() - self._began:.3f} s: {_why(why)}")

    def write(self) -> None:
        """Write the records of the pool that wait to be."""
        write(self._unwritten)

    def _counts(self) -> str:
        permits = self._permits()
        if permits is None:
            return "of a pool that is gone"
        stats = permits.stats()
        return f"{stats.open} open, {stats.idle} idle, {stats.in_use} in use, {stats.waiting} waiting"

    def _add(self, said: str) -> None:
        self._unwritten.append((self, said))


def write(unwritten: Unwritten) -> None:
    """Write the records that wait to be; an error of a handler or filter is nobody's here."""
    with suppress(IndexError):
        while True:
            log, said = unwritten.popleft()
            with suppress(Exception):
                logger.debug("Connection %s: %s (%s)", log._name, said, log._counts())


def _why(why: str | BaseException) -> str:
    if isinstance(why, str):
        return why
    return type(why).__name__ if isinstance(why, Exception) else f"cancelled ({type(why).__name__})"
