"""A bound on concurrent calls, with a bounded queue of waiting callers."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._call.call import Call, Reply, StreamEnd
from .._call.pipeline import Next
from .._fork import PerProcess
from .._io.deadline import remaining
from ..errors import ConfigError, QueueFull
from .options.amounts import check_amounts

if TYPE_CHECKING:
    from .._io import Waiter


class _QueuedCaller:
    """A caller's place in the queue."""

    __slots__ = ("admitted", "waiter")

    def __init__(self, waiter: "Waiter") -> None:
        self.waiter = waiter
        self.admitted = False


class _Turnstile:
    """Counts calls in flight and admits waiting callers in FIFO order, threads and tasks alike."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.in_flight = 0
        self.queue: deque[_QueuedCaller] = deque()

    def leave(self) -> None:
        """Hand the slot to the next caller in the queue, or free it."""
        with self.lock:
            if not self.queue:
                self.in_flight -= 1
                return
            place = self.queue.popleft()
            place.admitted = True
        place.waiter.open()

    def give_up(self, place: _QueuedCaller) -> bool:
        """Leave the queue; return whether the place had already been admitted."""
        with self.lock:
            if not place.admitted:
                self.queue.remove(place)
            return place.admitted


@dataclass(frozen=True)
class Concurrency:
    """Bounds the calls of a process that are in flight; a stream counts until it ends.

    Args:
        max_in_flight: Concurrent calls.
        max_queue: Callers that may wait for a slot.
        queue_timeout: Seconds that each may wait; `None` waits as long as the call's deadline allows.
    """

    max_in_flight: int
    max_queue: int = 1000
    queue_timeout: float | None = 10.0
    _gate: PerProcess[_Turnstile] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(_Turnstile)
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
        gate = self._gate()
        place: _QueuedCaller | None = None
        with gate.lock:
            if gate.in_flight < self.max_in_flight:
                gate.in_flight += 1
            elif len(gate.queue) >= self.max_queue:
                raise _full(gate, 0.0)
            else:
                place = _QueuedCaller(call.io.waiter())
                gate.queue.append(place)
        if place is not None:
            await self._wait(call, gate, place)
        try:
            reply = await proceed(call)
        except BaseException:
            self._leave(gate)
            raise
        if call.stream is None and not call.unread:
            self._leave(gate)
            return reply

        async def leave(end: StreamEnd) -> None:
            del end
            self._leave(gate)

        reply.on_end.append(leave)
        return reply

    def _leave(self, gate: _Turnstile) -> None:
        """Free the slot, unless the gate belongs to the process from which this one was forked."""
        if gate is self._gate():
            gate.leave()

    async def _wait(self, call: Call, gate: _Turnstile, place: _QueuedCaller) -> None:
        began = time.monotonic()
        limit = self.queue_timeout
        if call.deadline is not None:
            left = remaining(call.deadline)
            limit = left if limit is None else min(limit, left)
        try:
            await call.io.wait(place.waiter, limit)
        except BaseException:
            if gate.give_up(place):
                self._leave(gate)
            raise
        if not place.admitted and not gate.give_up(place):
            raise _full(gate, time.monotonic() - began)

    @property
    def in_flight(self) -> int:
        """Calls in flight."""
        return self._gate().in_flight

    @property
    def queue_length(self) -> int:
        """Callers waiting for a slot."""
        return len(self._gate().queue)


def _full(gate: _Turnstile, waited: float) -> QueueFull:
    how = f"after {waited:.1f} s" if waited else "and the queue is full"
    return QueueFull(
        f"Too many calls at once: {gate.in_flight} under way, {len(gate.queue)} waiting, {how}.",
        retry_after=1.0,
        queue_length=len(gate.queue),
        in_flight=gate.in_flight,
        waited=waited,
    )
