"""Sliding windows counted in slots, and when they have room again."""

from collections.abc import Sequence

from .base import SLOTS


class SlidingWindow:
    """The amounts in each slot of a sliding window, by slot number, oldest first."""

    __slots__ = ("newest", "slots", "total", "width")

    def __init__(self, width: float) -> None:
        self.width = width
        self.slots: dict[int, int] = {}
        self.newest = -1
        self.total = 0

    def forget(self, number: int) -> None:
        """Drop the slots that have left the window when *number* is the current slot."""
        slots = self.slots
        while slots and (oldest := next(iter(slots))) < number - SLOTS:
            self.total -= slots.pop(oldest)

    def add(self, amount: int, number: int) -> None:
        """Add to a slot, which may be an earlier one; an amount for a slot that has left the window is dropped."""
        if number > self.newest:
            self.forget(number)
            self.newest = number
            self.slots[number] = amount
        else:
            if number not in self.slots:  # a late take was counted in a later slot
                later = [slot for slot in self.slots if slot > number >= self.newest - SLOTS]
                if not later:
                    return
                number = later[0]
            self.slots[number] += amount
        self.total += amount

    def room_in(self, missing: int, now: float) -> float:
        """Return the seconds until at least *missing* has left the window."""
        return seconds_until_room(list(self.slots.items()), missing, self.width, now)


def seconds_until_room(slots: Sequence[Sequence[int]], missing: int, width: float, now: float) -> float:
    """Return the seconds until the oldest slots, which together hold *missing*, have left a window."""
    for slot, amount in slots:
        missing -= amount
        if missing <= 0:
            return max(0.001, (slot + SLOTS + 1) * width - now)
    return width * SLOTS
