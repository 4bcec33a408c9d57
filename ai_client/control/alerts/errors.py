"""The share of calls that fail, over a sliding window and all processes that share a store."""

import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._fork import PerProcess
from ..._io.reading import read
from ...errors import OpenAIError
from ...stores import Store, Tally
from ...stores.heartbeat import Renewal, keep_beating_for
from ...stores.tickets import new_ticket

_EVERY = 1.0
_IDLE = 10
"""Looks at nothing after which the heartbeat looks no more; a later call wakes it."""
_SLOTS = 20
_PATIENCE = 2.0
_FAILED = "failed"
_CALLS = "calls"
_CLASS = "class:"
Sums = Mapping[str, int]


class Failures:
    """The calls that ended in a window, and those that failed.

    Attributes:
        calls, failed: How many have ended, and how many of them failed.
        classes: How many failed with each class of error.
        since: When the window began, in seconds since 1970.
    """

    __slots__ = ("calls", "classes", "failed", "since")

    def __init__(self, sums: Sums, since: float) -> None:
        self.calls = sums.get(_CALLS, 0)
        self.failed = sums.get(_FAILED, 0)
        self.classes = {
            name.removeprefix(_CLASS): amount for name, amount in sums.items() if name.startswith(_CLASS)
        }
        self.since = since


class _EndedCalls:
    """The calls of one process that have ended: those to be written, and those of the window."""

    def __init__(self) -> None:
        self.outcomes: deque[str] = deque()
        self.slots: dict[int, Counter[str]] = {}
        self.renewal: Renewal | None = None
        self.idle = 0


class ErrorShare:
    """A policy that counts how calls end, writes that to the store once a second, and looks at the share that failed.

    A call that its caller cancels, or whose stream is not read to its end, counts as neither. While the store is down
    a process goes by what it counted itself.

    Args:
        store: Where processes add up what they count.
        name: What tells the counts apart from others in the store.
        seconds: Length of the window.
        tell: Takes what is known of the window, each time that calls have failed.
        is_told: Whether nobody needs to be told now, so that the store need not be asked.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        seconds: float,
        tell: Callable[[Failures], object],
        is_told: Callable[[], bool] = bool,
    ) -> None:
        self._store = store
        self._period = f"alerts|{name}|"
        self._width = seconds / _SLOTS
        self._seconds = seconds
        self._tell = tell
        self._is_told = is_told
        self._here = PerProcess(_EndedCalls)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call, and count how it ended."""
        return self._counted(call, proceed)

    async def _counted(self, call: Call, proceed: Next) -> Reply:
        try:
            reply = await proceed(call)
        except Exception as error:
            self._count(type(error).__name__)
            raise
        if call.is_whole:
            self._count("")
            return reply

        async def at_end(end: StreamEnd) -> None:
            if isinstance(end.error, Exception):
                self._count(type(end.error).__name__)
            elif end.complete:
                self._count("")

        reply.on_end.append(at_end)
        return reply

    def _count(self, error: str) -> None:
        here = self._here()
        here.outcomes.append(error)
        if here.renewal is None:
            here.idle = 0
            here.renewal = keep_beating_for(self._beat, _EVERY)

    def _beat(self) -> bool:
        """Look at what was counted, for the heartbeat; return whether to go on."""
        here = self._here()
        here.idle = 0 if here.outcomes else here.idle + 1
        self.look()
        if here.idle < _IDLE:
            return True
        here.renewal = None
        if here.outcomes:  # counted meanwhile, by who saw that this beats
            here.renewal = keep_beating_for(self._beat, _EVERY)
        return False

    def look(self) -> None:
        """Write what was counted since the last time, and look at the window where calls have failed."""
        here, now = self._here(), time.time()
        counted: Counter[str] = Counter()
        while here.outcomes:
            error = here.outcomes.popleft()
            counted.update([_CALLS] if not error else [_CALLS, _FAILED, _CLASS + error])
        if not counted:
            return
        slot = int(now / self._width)
        here.slots = {number: sums for number, sums in here.slots.items() if number > slot - _SLOTS}
        here.slots.setdefault(slot, Counter()).update(counted)
        tally = Tally(self._name_of(slot), "", counted, now + 2 * self._seconds)
        with suppress(OpenAIError):  # a store that is down queues it
            read(lambda io: self._store.settle(io, new_ticket(), (), now, tally=tally), _PATIENCE)
        if not counted[_FAILED] or self._is_told():
            return
        try:
            found = self._shared(slot)
        except OpenAIError:
            found = sum(here.slots.values(), Counter[str]())
        self._tell(Failures(found, (slot - _SLOTS + 1) * self._width))

    def _shared(self, slot: int) -> Counter[str]:
        """Return what all processes have counted in the window."""
        first, last = self._name_of(slot - _SLOTS + 1), self._name_of(slot + 1)
        periods = read(lambda io: self._store.sums(io, first, last), _PATIENCE)
        found: Counter[str] = Counter()
        for keys in periods.values():
            for sums in keys.values():
                found.update(sums)
        return found

    def _name_of(self, slot: int) -> str:
        return f"{self._period}{slot:014}"
