"""Counts over the last seconds."""

from collections import deque

_SLOTS = 10


class SlidingCounts:
    """Counts the calls within a sliding window, and those of them that are marked, in ten slots.

    It has no lock: its owner has one.

    Args:
        window: Length of the window in seconds.
    """

    __slots__ = ("_latest", "_slots", "_width", "calls", "marked")

    def __init__(self, window: float) -> None:
        self._width = window / _SLOTS
        self._latest = [-1, 0, 0]
        self._slots = deque([self._latest])
        self.calls = 0
        self.marked = 0

    def add(self, now: float, calls: int = 0, marked: int = 0) -> None:
        """Count at a time in seconds, and forget what is older than the window."""
        number = int(now / self._width)
        if number > self._latest[0]:  # a clock that was set back counts into the latest slot
            self._begin(number)
        slot = self._latest
        slot[1] += calls
        slot[2] += marked
        self.calls += calls
        self.marked += marked

    def _begin(self, number: int) -> None:
        slots = self._slots
        while slots and slots[0][0] <= number - _SLOTS:
            _, old, old_marked = slots.popleft()
            self.calls -= old
            self.marked -= old_marked
        self._latest = [number, 0, 0]
        slots.append(self._latest)
