"""Who may use a connection, and which lie idle: bookkeeping without I/O, every step of constant cost."""

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

_EXPIRED_PER_STEP = 2


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The state of a pool at one moment.

    Attributes:
        open: Connections that are open, in use or idle.
        idle: Connections that wait for a request.
        in_use: Requests under way, those that are still connecting included.
        waiting: Requests that wait for their turn.
        opened_total: Connections opened since the pool was made.
    """

    open: int
    idle: int
    in_use: int
    waiting: int
    opened_total: int


def added_up(found: Iterable[PoolStats]) -> PoolStats:
    """Return the sums of several pools."""
    every = [*found]
    return PoolStats(
        sum(one.open for one in every),
        sum(one.idle for one in every),
        sum(one.in_use for one in every),
        sum(one.waiting for one in every),
        sum(one.opened_total for one in every),
    )


class Shelved(Protocol):
    """A connection as permits see it."""

    idle_since: float
    exchanges: int

    @property
    def origin(self) -> Hashable: ...


C = TypeVar("C", bound=Shelved)
W = TypeVar("W", bound=Hashable)


class Permits(Generic[C, W]):
    """A bound on connections to all origins, a queue in order of arrival, and a stack of idle ones an origin.

    A stack is a `dict`, from whose end connections are taken; of a single origin it stays when it is empty.

    A request holds a permit from admission to the end of its response. Idle connections hold none, but count:
    permits and idle connections together never exceed the bound once `displaced` was asked before connecting.
    """

    __slots__ = (
        "__weakref__",
        "_idle",
        "_queue",
        "_stacks",
        "bound",
        "busy",
        "expiry",
        "in_use",
        "most_idle",
        "opened",
    )

    def __init__(self, bound: int, expiry: float, most_idle: int | None = None) -> None:
        self.bound = bound
        self.expiry = expiry
        self.most_idle = bound if most_idle is None else most_idle
        self.in_use = 0
        self.opened = 0
        self.busy: set[C] = set()
        self._queue: OrderedDict[W, float] = OrderedDict()  # since when each waits
        self._idle: OrderedDict[C, None] = OrderedDict()  # the one idle for longest comes first
        self._stacks: dict[Hashable, dict[C, None]] = {}

    def enter(self) -> bool:
        """Take a permit, unless none is left or others wait for one."""
        if self.in_use < self.bound and not self._queue:
            self.in_use += 1
            return True
        return False

    def queue(self, waiter: W) -> None:
        """Line up for a permit; `leave` gives it."""
        self._queue[waiter] = time.monotonic()

    def unqueue(self, waiter: W) -> bool:
        """Leave the queue; tell whether the waiter was still in it."""
        if waiter in self._queue:
            del self._queue[waiter]
            return True
        return False

    def leave(self) -> W | None:
        """Return a permit; the returned waiter, if any, now holds it."""
        if self._queue:
            return self._queue.popitem(last=False)[0]
        self.in_use -= 1
        return None

    def take(self, origin: Hashable) -> C | None:
        """Take the connection to *origin* that was used last."""
        stack = self._stacks.get(origin)
        if not stack:
            return None
        connection, _ = stack.popitem()
        if not stack and len(self._stacks) > 1:
            del self._stacks[origin]
        del self._idle[connection]
        self.busy.add(connection)
        return connection

    def end(self, connection: C, kept: float | None) -> W | None:
        """End a request, keep its connection if a time is given, and return the waiter that now has the permit.

        It is one step: no other function of Python begins within it, where Ctrl-C would leave it half done.
        """
        self.busy.discard(connection)
        connection.exchanges += 1
        if kept is not None:
            connection.idle_since = kept
            self._idle[connection] = None
            stack = self._stacks.get(connection.origin)
            if stack is None:
                stack = self._stacks[connection.origin] = {}
            stack[connection] = None
        if self._queue:
            return self._queue.popitem(last=False)[0]
        self.in_use -= 1
        return None

    def displaced(self) -> C | None:
        """Unshelve the connection idle for longest, if a new one would exceed the bound."""
        if len(self._idle) + self.in_use > self.bound:
            return self._unshelve_oldest()
        return None

    def expired(self, now: float) -> list[C]:
        """Unshelve connections that were idle for too long or are too many, a few at a time."""
        found: list[C] = []
        idle, limit = self._idle, now - self.expiry
        while idle and (len(idle) > self.most_idle or next(iter(idle)).idle_since < limit):
            found.append(self._unshelve_oldest())
            if len(found) == _EXPIRED_PER_STEP:
                break
        return found

    def idle(self) -> list[C]:
        """Return the idle connections, the one idle for longest first."""
        return [*self._idle]

    def drop(self, connection: C) -> bool:
        """Unshelve a connection; return whether it was idle."""
        if connection not in self._idle:
            return False
        del self._idle[connection]
        self._unstack(connection)
        return True

    def _unshelve_oldest(self) -> C:
        connection, _ = self._idle.popitem(last=False)
        self._unstack(connection)
        return connection

    def _unstack(self, connection: C) -> None:
        stack = self._stacks[connection.origin]
        del stack[connection]
        if not stack:
            del self._stacks[connection.origin]

    def clear(self) -> tuple[list[C], list[W]]:
        """Remove every shelved connection and every waiter, and return them."""
        connections, waiters = [*self._idle], [*self._queue]
        self._idle.clear()
        self._stacks.clear()
        self._queue.clear()
        return connections, waiters

    def surrender(self) -> list[C]:
        """Unshelve every connection and give up those in use, each to one thread only; empty the queue."""
        connections = self.clear()[0]
        while self.busy:
            with suppress(KeyError):  # another thread was first
                connections.append(self.busy.pop())
        return connections

    def connections(self) -> list[C]:
        """Return every connection, idle or in use."""
        return [*self._idle, *self.busy]

    def pressure(self) -> tuple[int, float]:
        """Return how many wait for a permit, and for how many seconds the first of them has."""
        with suppress(RuntimeError, StopIteration):  # the queue changed meanwhile, or there is none
            return len(self._queue), time.monotonic() - next(iter(self._queue.values()))
        return len(self._queue), 0.0

    def stats(self) -> PoolStats:
        """Count."""
        idle = len(self._idle)
        return PoolStats(len(self.busy) + idle, idle, self.in_use, len(self._queue), self.opened)
