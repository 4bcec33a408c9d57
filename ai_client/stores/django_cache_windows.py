"""Sliding windows in a Django cache, and the places of those who wait for room in them."""

import time
from collections.abc import Sequence
from typing import Any

from .base import SLOTS, Change, Refusal, Take
from .django_cache_entries import CacheEntries
from .sliding_window import KEPT, Line, Queued, merged, seconds_until_room, stamp


class CacheWindows(CacheEntries):
    """The windows of a backend, each change of which is made under its lock."""

    def _slots(self, cache: Any, of: Take | Change, now: float) -> dict[int, int]:
        number = int(now / (of.window / SLOTS))
        kept: dict[int, int] = cache.get(self._name("window", of.key)) or {}
        live = {slot: amount for slot, amount in kept.items() if slot >= number - SLOTS}
        if live and max(live) > number:
            live = merged(live, number)
            self._keep(cache, self._name("window", of.key), live, now + 2 * of.window, now)
        return live

    def _take(self, cache: Any, ticket: str, takes: Sequence[Take], now: float) -> Refusal | None:
        """Take amounts from windows, all or none; a caller that waits keeps its place where there is no room."""
        at = stamp(now, time.time())
        lines = [self._line(cache, take.key) for take in takes]
        waits = [
            self._wait(cache, take, line.ahead_of(ticket, at), at)
            for take, line in zip(takes, lines, strict=True)
        ]
        wait = max(waits, default=0.0)
        for take, line, alone in zip(takes, lines, waits, strict=True):
            if alone and wait <= take.patience:
                line.keep(ticket, take.amount, wait, at)
                self._keep_line(cache, take.key, line)
            elif line.pop(ticket, None):
                self._keep_line(cache, take.key, line)
        if wait:
            return Refusal(None, wait=wait, short=[index for index, alone in enumerate(waits) if alone])
        for take in takes:
            take.at = at if take.as_of is None else take.as_of
            self._change(cache, Change(take.key, take.amount, take.window, take.at), at)
        return None

    def _wait(self, cache: Any, take: Take, ahead: int, at: float) -> float:
        """Return the seconds until a take has room behind those who came before, 0 where it has or needs none."""
        if take.as_of is not None:
            return 0.0
        width = take.window / SLOTS
        slots = sorted(self._slots(cache, take, at).items())
        over = sum(amount for _, amount in slots) + ahead + take.amount - take.limit
        return seconds_until_room(slots, over, take.limit, width, at) if over > 0 else 0.0

    def _line(self, cache: Any, key: str) -> Line:
        kept: dict[str, tuple[int, float]] = cache.get(self._name("line", key)) or {}
        return Line({ticket: Queued(*place) for ticket, place in kept.items()})

    def _keep_line(self, cache: Any, key: str, line: Line) -> None:
        places = {ticket: tuple(place) for ticket, place in line.items()}
        cache.set(self._name("line", key), places, KEPT)

    def _adjust(self, cache: Any, ticket: str, changes: Sequence[Change], at: float) -> None:
        """Add amounts to windows, and give up the places that a ticket has there."""
        for change in changes:
            line = self._line(cache, change.key)
            if line.pop(ticket, None):
                self._keep_line(cache, change.key, line)
            if change.amount:
                self._change(cache, change, at)

    def _change(self, cache: Any, change: Change, now: float) -> None:
        slots = self._slots(cache, change, now)
        slot = int(change.at / (change.window / SLOTS))
        slots[slot] = slots.get(slot, 0) + change.amount
        self._keep(cache, self._name("window", change.key), slots, now + 2 * change.window, now)
