"""Who waits in this process for room in the windows of rate limits: first come, first served, by window.

Behind the first of a line nobody asks the store: each is woken when those in front have gone. Who waits for one window
is in nobody's way who needs only others. Among processes, the store keeps the order of those who have asked it.
"""

import math
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from operator import attrgetter
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

from ...._fork import PerProcess
from ...._io import IO, Waiter
from ....stores import Store, Take
from ....stores.base import BEAT, GRACE

_ASKING = 15.0
"""Seconds for which a caller may be asking the store before those behind it ask too."""
_LEAST = 0.001
_by_number = attrgetter("number")


class Shortage(NamedTuple):
    """Why a call has to wait.

    Attributes:
        wait: Seconds until there may be room.
        keys: The windows without room.
        takes: What the call takes of them; nothing where it is the upstream that has no room.
        has_place: Whether the store keeps a place for it, and so the order.
    """

    wait: float
    keys: Sequence[str]
    takes: Sequence[Take]
    has_place: bool = False


class Asker(Protocol):
    """A call that needs room."""

    async def ask(self, patience: float) -> Shortage | None:
        """Ask for room, for a caller that will wait for so many seconds; return `None` where it was admitted."""
        ...

    async def give_up(self) -> None:
        """Release the place that the store keeps."""
        ...


class _Caller:
    """A caller in line.

    Attributes:
        number: Its number in the order of arrival.
        takes: What it takes, by window.
        lines: The windows for which it waits.
        waiter: What wakes it.
        has_place: Whether the store keeps a place for it.
        due: When it should ask next, in seconds of `time.monotonic`; who is late by `GRACE` is passed.
        turn: When it may be admitted.
    """

    __slots__ = ("due", "has_place", "lines", "number", "takes", "turn", "waiter")

    def __init__(self, number: int, takes: Iterable[Take]) -> None:
        self.number = number
        self.takes = {take.key: take for take in takes}
        self.lines: set[str] = set()
        self.waiter: Waiter | None = None
        self.has_place = False
        self.due = self.turn = 0.0


class Lines:
    """The lines of a process, by window."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, list[_Caller]] = {}
        self._numbers = count()

    @property
    def has_callers(self) -> bool:
        """Whether anybody waits."""
        return bool(self._lines)

    async def wait(
        self,
        io: IO,
        keys: Callable[[], Sequence[str]],
        takes: Sequence[Take],
        patience: float,
        asker: Asker,
    ) -> Shortage | None:
        """Wait until it is the call's turn and it is admitted.

        Args:
            io: Waits.
            keys: Returns the windows that it may have to wait for, once it has to.
            takes: What it takes of them.
            patience: Seconds that it will wait.
            asker: The call.

        Returns:
            `None` if it was admitted; else the shortage, as soon as it is known to last for longer than it will wait.
        """
        number, end = next(self._numbers), time.monotonic() + patience
        told: Shortage | None = None
        if not self._lines:  # the usual case
            told = await asker.ask(patience)
            if told is None or told.wait > patience:
                return told
        caller = _Caller(number, takes)
        try:
            while True:
                left = max(0.0, end - time.monotonic())
                if self._lines:
                    caller.waiter = io.waiter()  # before looking, so that no change is missed
                behind = told is None and not caller.has_place and self._lines
                shortage = self._behind(caller, keys()) if behind else None
                if shortage is None:
                    caller.due = time.monotonic() + _ASKING
                    shortage = told or await asker.ask(left)
                    if shortage is None or (told is None and shortage.wait > left):
                        return shortage
                    told = None
                    caller.waiter = caller.waiter or io.waiter()
                    self._stand(caller, shortage)
                elif shortage.wait > left:
                    return shortage
                await io.wait(caller.waiter, min(left, max(0.0, caller.due - time.monotonic())))
        except BaseException as error:
            if caller.has_place and not isinstance(error, GeneratorExit):  # where nothing can be awaited
                await io.carry_through(asker.give_up())
            raise
        finally:
            self._leave(caller)

    def freed(self, keys: Iterable[str]) -> None:
        """Wake the first in each of the lines: there may be room."""
        if self._lines:
            with self._lock:
                self._wake(keys)

    def _behind(self, caller: _Caller, keys: Sequence[str]) -> Shortage | None:
        """Join the lines in which others are in front; return `None` where none is, else for how long at least."""
        now = time.monotonic()
        with self._lock:
            wait, due = 0.0, 0.0
            behind: list[str] = []
            for key in keys:
                front = [
                    other
                    for other in self._lines.get(key, ())
                    if other.number < caller.number and other.due + GRACE > now
                ]
                if front:
                    behind.append(key)
                    due = max(due, front[-1].due + GRACE)
                    wait = max(wait, _LEAST, front[0].turn - now + _rounds(key, [*front, caller]))
            if not behind:
                return None
            for key in behind:
                self._join(caller, key)
            caller.due, caller.turn = due, now + wait
        return Shortage(wait, behind, [caller.takes[key] for key in behind if key in caller.takes])

    def _stand(self, caller: _Caller, shortage: Shortage) -> None:
        """Stand in the lines of the windows without room, and leave the others."""
        now = time.monotonic()
        with self._lock:
            caller.has_place |= shortage.has_place
            caller.turn = now + shortage.wait
            caller.due = now + min(shortage.wait, BEAT)
            for key in shortage.keys:
                self._join(caller, key)
            self._part(caller, caller.lines.difference(shortage.keys))

    def _leave(self, caller: _Caller) -> None:
        if caller.lines:
            with self._lock:
                self._part(caller, set(caller.lines))

    def _join(self, caller: _Caller, key: str) -> None:
        if key not in caller.lines:
            caller.lines.add(key)
            insort(self._lines.setdefault(key, []), caller, key=_by_number)

    def _part(self, caller: _Caller, keys: set[str]) -> None:
        for key in keys:
            caller.lines.discard(key)
            line = self._lines[key]
            line.remove(caller)
            if not line:
                del self._lines[key]
        self._wake(keys)

    def _wake(self, keys: Iterable[str]) -> None:
        for key in keys:
            line = self._lines.get(key)
            if line and line[0].waiter is not None:
                line[0].waiter.open()


def _rounds(key: str, callers: Sequence[_Caller]) -> float:
    """Return the seconds from the turn of the first caller to that of the last: no window holds more than its limit."""
    takes = [caller.takes[key] for caller in callers if key in caller.takes]
    if not takes:
        return 0.0
    return takes[-1].window * (math.ceil(sum(take.amount for take in takes) / takes[-1].limit) - 1)


_by_store: "WeakKeyDictionary[Store, PerProcess[Lines]]" = WeakKeyDictionary()


def lines_at(store: Store | None) -> PerProcess[Lines]:
    """Return the lines of those who share a store; lines of their own where there is none."""
    if store is None:
        return PerProcess(Lines)
    return _by_store.setdefault(store, PerProcess(Lines))
