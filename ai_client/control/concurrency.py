"""A bound on concurrent calls, with a bounded queue of waiting callers."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from .._call.call import Call, Reply, StreamEnd
from .._call.pipeline import Next
from .._fork import PerProcess, process_id
from .._io import Waiter
from .._io.deadline import remaining
from ..errors import ConfigError, QueueFull
from .options.amounts import check_amounts

_ACCOUNTS_SWEPT = 1_000
"""Accounts after which those without a call are forgotten."""


class _QueuedCaller:
    """A caller's place in the queue, which holds a slot once it has been admitted."""

    __slots__ = ("waiter",)

    def __init__(self, waiter: Waiter) -> None:
        self.waiter = waiter


class _Turnstile:
    """Knows the calls in flight and admits waiting callers in FIFO order, threads and tasks alike."""

    def __init__(self, lock: threading.Lock) -> None:
        self.lock = lock
        self.process = process_id()
        self.holders: set[object] = set()
        self.queue: deque[_QueuedCaller] = deque()

    def leave(self, holder: object) -> None:
        """Hand the slot of *holder* to the next caller in the queue, or free it; take a place out of the queue.

        Does nothing the second time, as after Ctrl-C in the first, nor in a child forked during the call.
        """
        if self.process != process_id():
            return
        place = None
        with self.lock:
            if holder in self.holders:
                self.holders.discard(holder)
                if self.queue:
                    place = self.queue.popleft()
                    self.holders.add(place)
            elif isinstance(holder, _QueuedCaller) and holder in self.queue:
                self.queue.remove(holder)
        if place is not None:
            try:
                place.waiter.open()
            except BaseException:
                place.waiter.open()  # which is harmless twice; it would wait without an end
                raise

    def give_up(self, place: _QueuedCaller) -> bool:
        """Leave the queue; return whether the place had already been admitted."""
        with self.lock:
            if place in self.holders:
                return True
            self.queue.remove(place)
            return False


class _Turnstiles:
    """The turnstiles of a process by account, and the lock that guards them all."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.own = _Turnstile(self.lock)
        self.others: dict[str, _Turnstile] = {}

    def of(self, account: str | None) -> _Turnstile:
        """Return the turnstile of an account; called while the lock is held, until its caller is in it."""
        if account is None:
            return self.own
        found = self.others.get(account)
        if found is None:
            if len(self.others) >= _ACCOUNTS_SWEPT:
                self.others = {name: one for name, one in self.others.items() if one.holders or one.queue}
            found = self.others[account] = _Turnstile(self.lock)
        return found


@dataclass(frozen=True)
class Concurrency:
    """Bounds the calls of a process that are in flight; a stream counts until it ends.

    Calls with a tenant's own credentials have places of their own, as many for each account.

    Args:
        max_in_flight: Concurrent calls.
        max_queue: Callers that may wait for a slot.
        queue_timeout: Seconds that each may wait; `None` waits as long as the call's deadline allows.
    """

    max_in_flight: int
    max_queue: int = 1000
    queue_timeout: float | None = 10.0
    _by_account: ClassVar[bool] = True
    _gates: PerProcess[_Turnstiles] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(_Turnstiles)
    )

    def __post_init__(self) -> None:
        if self.max_in_flight < 1:
            raise ConfigError("concurrency: max_in_flight must be at least 1.")
        check_amounts("concurrency", above_zero=False, max_queue=self.max_queue)
        check_amounts("concurrency", above_zero=True, queue_timeout=self.queue_timeout)

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Send a call once it has a slot.

        Raises:
            QueueFull: No slot is free and the queue is full, or no slot became free in time.
        """
        gates = self._gates.get()
        holder: object = None
        with gates.lock:
            gate = gates.own if call.record is None else gates.of(call.record.account)
            if len(gate.holders) < self.max_in_flight:
                holder = object()
                gate.holders.add(holder)
            elif len(gate.queue) >= self.max_queue:
                raise _full(gate, 0.0)
            else:
                holder = _QueuedCaller(call.io.waiter())
                gate.queue.append(holder)
        try:
            if isinstance(holder, _QueuedCaller):
                await self._wait(call, gate, holder)
            reply = await proceed(call)
            if call.stream is None and not call.unread:
                gate.leave(holder)
                return reply

            async def leave(end: StreamEnd) -> None:
                del end
                gate.leave(holder)

            reply.on_end.append(leave)
        except BaseException:
            gate.leave(holder)
            raise
        return reply

    async def _wait(self, call: Call, gate: _Turnstile, place: _QueuedCaller) -> None:
        began = time.monotonic()
        limit = self.queue_timeout
        if call.deadline is not None:
            left = remaining(call.deadline)
            limit = left if limit is None else min(limit, left)
        await call.io.wait(place.waiter, limit)
        if not gate.give_up(place):
            raise _full(gate, time.monotonic() - began)

    @property
    def in_flight(self) -> int:
        """Calls in flight."""
        return sum(len(gate.holders) for gate in self._all())

    @property
    def queue_length(self) -> int:
        """Callers waiting for a slot."""
        return sum(len(gate.queue) for gate in self._all())

    def _all(self) -> list[_Turnstile]:
        gates = self._gates.get()
        with gates.lock:
            return [gates.own, *gates.others.values()]


def _full(gate: _Turnstile, waited: float) -> QueueFull:
    how = f"after {waited:.1f} s" if waited else "and the queue is full"
    return QueueFull(
        f"Too many calls at once: {len(gate.holders)} under way, {len(gate.queue)} waiting, {how}.",
        retry_after=1.0,
        queue_length=len(gate.queue),
        in_flight=len(gate.holders),
        waited=waited,
    )
