"""Sliding windows counted in slots, the callers that wait for room in them, and when they have room again."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from .base import BEAT, GRACE, SLOTS

SIMULATED = 3600.0
"""Seconds by which a simulated clock differs from the real one; less is what passed since the caller asked."""
KEPT = 60.0
"""Seconds after which a place that its caller has not kept is forgotten, and not only passed over."""
_LEAST = 0.001


def is_simulated(now: float, real: float) -> bool:
    """Return whether *now* is no stale reading of the *real* clock, but that of a simulated one, as in tests."""
    return abs(now - real) > SIMULATED


def stamp(now: float, real: float) -> float:
    """Return the time of a take: the *real* time, unless the caller's clock is simulated."""
    return now if is_simulated(now, real) else real


_start = time.time() - time.monotonic()


def steady_time() -> float:
    """Return the time in seconds since 1970 by a clock of this process that never steps."""
    return _start + time.monotonic()


class Queued(NamedTuple):
    """A caller's place in front of those that ask later: the amount that it waits for, and until when it is kept."""

    amount: int
    until: float


class Line(dict[str, Queued]):
    """The callers that wait for room in a window, by ticket, first come first."""

    def ahead_of(self, ticket: str, at: float) -> int:
        """Return the amount that those wait for who come before *ticket*."""
        amount = 0
        for other, place in self.items():
            if other == ticket:
                break
            if place.until > at:
                amount += place.amount
        return amount

    def keep(self, ticket: str, amount: int, wait: float, at: float) -> None:
        """Keep the place of *ticket*, the last one if it has none yet, until it should have asked again."""
        for other in [other for other, place in self.items() if place.until + KEPT <= at]:
            del self[other]
        self[ticket] = Queued(amount, at + min(wait, BEAT) + GRACE)


class SlidingWindow:
    """The amounts in each slot of a sliding window, by slot number, oldest first, and who waits for room."""

    __slots__ = ("newest", "places", "slots", "total", "width")

    def __init__(self, width: float) -> None:
        self.width = width
        self.slots: dict[int, int] = {}
        self.places = Line()
        self.newest = -1
        self.total = 0

    def forget(self, number: int) -> None:
        """Drop the slots that have left the window when *number* is the current slot."""
        slots = self.slots
        while slots and (oldest := next(iter(slots))) < number - SLOTS:
            self.total -= slots.pop(oldest)

    def advance(self, number: int) -> None:
        """Make *number* the current slot; what lies in later ones, as the clock was set back, counts from now on."""
        if number > self.newest:
            self.forget(number)
        elif number < self.newest:
            self.slots = merged(self.slots, number)
            self.newest = number

    def add(self, amount: int, number: int) -> None:
        """Add to a slot, which may be an earlier one; an amount for a slot that has left the window is dropped."""
        slots = self.slots
        if number in slots:  # nearly always
            slots[number] += amount
        elif number > self.newest:
            self.forget(number)
            self.newest = number
            slots[number] = amount
        else:  # a late take was counted in a later slot
            later = [slot for slot in slots if slot > number >= self.newest - SLOTS]
            if not later:
                return
            slots[later[0]] += amount
        self.total += amount

    def wait(self, ticket: str, amount: int, limit: int, at: float) -> float:
        """Return the seconds until there is room for an amount and all who wait in front of *ticket*; 0 if there is."""
        over = self.total + amount - limit
        if self.places:
            over += self.places.ahead_of(ticket, at)
        return seconds_until_room(list(self.slots.items()), over, limit, self.width, at) if over > 0 else 0.0


def merged(slots: dict[int, int], number: int) -> dict[int, int]:
    """Return the slots with all later ones counted in slot *number*."""
    late = sum(amount for slot, amount in slots.items() if slot >= number)
    return {**{slot: amount for slot, amount in slots.items() if slot < number}, number: late}


def seconds_until_room(
    slots: Sequence[Sequence[int]], over: int, limit: int, width: float, now: float
) -> float:
    """Return the seconds until *over*, more than 0, has left a window, as those in front are admitted one by one.

    First the slots leave, oldest first. What takes their room leaves a window's length and a slot later, and so on.
    """
    rounds, left = divmod(over - 1, limit)
    left += 1
    for slot, amount in slots:
        left -= amount
        if left <= 0:
            return max(_LEAST, (slot + SLOTS + 1) * width - now) + rounds * (SLOTS + 1) * width
    return (rounds + 1) * (SLOTS + 1) * width
