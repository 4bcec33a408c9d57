"""Amounts that the calls of one policy have counted in one process, by endpoint, model and tenant."""

import threading
from collections.abc import Iterable
from typing import TypeAlias

from .names import ERROR, FOLDED

Key: TypeAlias = tuple[str, ...]
"""The values of the labels that tell calls apart; empty where a call has none."""
OTHER = "other"
_MOST_ERRORS = 64


class UnderWay:
    """A call that has begun and not ended; one that is dropped counts no more.

    Args:
        calls: The ids of all of them.
    """

    __slots__ = ("_calls",)

    def __init__(self, calls: set[int]) -> None:
        self._calls = calls
        calls.add(id(self))

    def end(self) -> None:
        """Count it as ended."""
        self._calls.discard(id(self))

    __del__ = end


class Counts:
    """Amounts by name for each combination of labels, of which there are at most so many.

    Args:
        max_series: Combinations that are told apart; the calls of all others count under `other`.
        width: How many labels there are.

    Attributes:
        under_way: The ids of `UnderWay` for the calls that have begun and not ended.
    """

    def __init__(self, max_series: int, width: int) -> None:
        self.under_way: set[int] = set()
        self._most = max_series
        self._rest: Key = (OTHER,) * width
        self._lock = threading.Lock()
        self._series: dict[Key, dict[str, int]] = {}
        self._touched: set[Key] = set()
        self._taken: dict[Key, dict[str, int]] = {}
        self._errors: set[str] = set()

    def add(self, key: Key, amounts: Iterable[tuple[str, int]]) -> None:
        """Add amounts to the series of *key*."""
        with self._lock:
            series = self._series.get(key)
            if series is None:
                key, series = self._begin(key)
            self._touched.add(key)
            for name, amount in amounts:
                series[name] = series.get(name, 0) + amount

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
            return {key: dict(amounts) for key, amounts in self._series.items()}

    def taken(self) -> dict[Key, dict[str, int]]:
        """Return what was counted since the last time."""
        with self._lock:
            found: dict[Key, dict[str, int]] = {}
            for key in self._touched:
                before, now = self._taken.get(key, {}), self._series[key]
                found[key] = {n: a - before.get(n, 0) for n, a in now.items() if a != before.get(n, 0)}
                self._taken[key] = dict(now)
            self._touched.clear()
            return found

    def _begin(self, key: Key) -> tuple[Key, dict[str, int]]:
        """Return the series of a key that is new, under the key that it counts as."""
        series = self._series
        if len(series) - (self._rest in series) < self._most:
            found = series[key] = {}
            return key, found
        found = series.setdefault(self._rest, {})
        found[FOLDED] = found.get(FOLDED, 0) + 1
        return self._rest, found
