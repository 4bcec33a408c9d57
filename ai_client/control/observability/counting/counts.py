"""Amounts that the calls of one policy have counted in one process, by endpoint, model and tenant."""

import threading
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from .names import ERROR, FOLDED

Key: TypeAlias = tuple[str, ...]
"""The values of the labels that tell calls apart; empty where a call has none."""
Amount: TypeAlias = tuple[str, int]
"""The name of something that is counted, and how much of it."""
OTHER = "other"
_MOST_ERRORS = 64


class Counts:
    """Amounts by name for each combination of labels, of which there are at most so many.

    Args:
        max_series: Combinations that are told apart; the calls of all others count under `other`.
        width: How many labels there are.

    Attributes:
        under_way: The ids of what stands for the calls that have begun and not ended.
    """

    def __init__(self, max_series: int, width: int) -> None:
        self.under_way: set[int] = set()
        self._most = max_series
        self._rest: Key = (OTHER,) * width
        self._lock = threading.Lock()
        self._series: dict[Key, dict[str, int]] = {}
        self._fresh: dict[Key, dict[str, int]] = {}
        self._errors: set[str] = set()

    def add(self, key: Key, amounts: Iterable[Amount]) -> None:
        """Add amounts to the series of *key*."""
        with self._lock:
            fresh = self._fresh.get(key)
            if fresh is None:
                fresh = self._begin(key)
            for name, amount in amounts:
                fresh[name] = fresh.get(name, 0) + amount

    def error(self, error: BaseException) -> str:
        """Return the name under which an error counts; an application's own classes are bounded in number."""
        name, known = type(error).__name__, self._errors
        if name not in known:
            if len(known) >= _MOST_ERRORS:
                return ERROR + OTHER
            known.add(name)
        return ERROR + name

    def totals(self) -> dict[Key, dict[str, int]]:
        """Return all that was counted so far."""
        with self._lock:
            found = {key: dict(amounts) for key, amounts in self._series.items()}
            for key, amounts in self._fresh.items():
                _add(found[key], amounts)
            return found

    def taken(self) -> dict[Key, dict[str, int]]:
        """Return what was counted since the last time."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
            for key, amounts in fresh.items():
                _add(self._series[key], amounts)
        return fresh

    def drained(self) -> dict[Key, dict[str, int]]:
        """Return what was counted since the last time, and forget it: series are told apart anew."""
        with self._lock:
            fresh, self._fresh = self._fresh, {}
            self._series.clear()
        return fresh

    def _begin(self, key: Key) -> dict[str, int]:
        """Return the fresh amounts of a key that has none, under the key that it counts as."""
        series = self._series
        if key not in series:
            if len(series) - (self._rest in series) >= self._most:
                series.setdefault(self._rest, {})
                fresh = self._fresh.setdefault(self._rest, {})
                fresh[FOLDED] = fresh.get(FOLDED, 0) + 1
                return fresh
            series[key] = {}
        fresh = self._fresh[key] = {}
        return fresh


def _add(sums: dict[str, int], amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        sums[name] = sums.get(name, 0) + amount
