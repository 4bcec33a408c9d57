"""Time limits of what waits on an event loop: one timer for all of them, as most are over long before their time."""

import asyncio
import math
from typing import Protocol
from weakref import WeakValueDictionary, ref


class TimedWait(Protocol):
    """Something that waits for a limited time; `until` belongs to the watch."""

    until: float

    def expire(self) -> None:
        """End the wait, as its time is over."""


class Watch:
    """The time limits on one event loop, each kept as exactly as a timer of its own would be."""

    __slots__ = ("__weakref__", "_due", "_limited", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._limited: set[TimedWait] = set()
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limited: TimedWait, seconds: float) -> None:
        """Expire *limited* in so many seconds, unless it is removed before."""
        limited.until = until = self._loop.time() + seconds
        self._limited.add(limited)
        if until < self._due:
            self._look_at(until)

    def remove(self, limited: TimedWait) -> None:
        """Forget *limited*; the timer stays for the next, which most often has more time."""
        self._limited.discard(limited)

    def _look_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now = max(self._loop.time(), self._due)  # a loop may wake a little early
        late = [limited for limited in self._limited if limited.until <= now]
        self._limited.difference_update(late)
        self._timer, self._due = None, math.inf
        if self._limited:
            self._look_at(min(limited.until for limited in self._limited))
        for limited in late:
            limited.expire()


_watches: WeakValueDictionary[int, Watch] = WeakValueDictionary()
_latest: list["ref[Watch]"] = []
"""The watch that was asked for last, which most often is the next one too: in a list of one, once there is any."""


def watch_of(loop: asyncio.AbstractEventLoop) -> Watch:
    """Return the watch of a loop; to be called in its thread."""
    for latest in _latest:
        known = latest()
        if known is not None and known._loop is loop:
            return known
    watch = _watches.get(id(loop))  # which holds its loop, so that no other has this id
    if watch is None:
        watch = _watches[id(loop)] = Watch(loop)
    _latest[:] = [ref(watch)]  # in one step, as another thread may be at it too
    return watch
