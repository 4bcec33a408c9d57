"""Sliding windows: amounts counted in slots, the oldest of which leave as time passes."""

from collections.abc import Sequence

from .base import SLOTS


class Window:
    """What was taken in each slot of a sliding window, by number and oldest first."""

    __slots__ = ("newest", "slots", "total", "width")

    def __init__(self, width: float) -> None:
        self.width = width
        self.slots: dict[int, int] = {}
        self.newest = -1
        self.total = 0

    def forget(self, number: int) -> None:
        """Forget what has left the window once it is in a slot."""
        slots = self.slots
        while slots and (oldest := next(iter(slots))) < number - SLOTS:
            self.total -= slots.pop(oldest)

    def add(self, amount: int, number: int) -> None:
        """Add to a slot; an adjustment may be for an earlier one, or one that has left the window."""
        if number > self.newest:
            self.forget(number)
            self.newest = number
            self.slots[number] = amount
        else:
            if number not in self.slots:  # what came late was taken in the slot after it
                later = [slot for slot in self.slots if slot > number >= self.newest - SLOTS]
                if not later:
                    return
                number = later[0]
            self.slots[number] += amount
        self.total += amount

    def room_in(self, missing: int, now: float) -> float:
        """Give the seconds until *missing* or more has left the window."""
        return seconds_until_room(list(self.slots.items()), missing, self.width, now)


def seconds_until_room(slots: Sequence[Sequence[int]], missing: int, width: float, now: float) -> float:
    """Give the seconds until the oldest *slots* that hold *missing* together have left a window."""
    for slot, amount in slots:
        missing -= amount
        if missing <= 0:
            return max(0.001, (slot + SLOTS + 1) * width - now)
    return width * SLOTS
