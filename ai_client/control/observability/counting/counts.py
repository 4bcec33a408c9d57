"""Amounts that the calls of one policy have counted in one process, by endpoint, model and tenant."""

import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from .names import ERROR, FOLDED

Key: TypeAlias = tuple[str, ...]
"""The values of the labels that tell calls apart; empty where a call has none."""
Amount: TypeAlias = tuple[str, int]
"""The name of something that is counted, and how much of it."""
OTHER = "other"
_MOST_ERRORS = 64
_MOST_ROWS = 256
"""Rows after which a call adds them up itself, as nobody reads them."""


class Row:
    """The names of amounts that many calls add together.

    Args:
        once: What each of them adds one of.
        names: What each adds a value to.
    """

    __slots__ = ("names", "once")

    def __init__(self, once: Sequence[str], names: Sequence[str]) -> None:
        self.once = once
        self.names = names


class Counts:
    """Amounts by name for each combination of labels, of which there are at most so many.

    Args:
        max_series: Combinations that are told apart; the calls of all others count under `other`.
        width: How many labels there are.

    Attributes:
        under_way: What stands for the calls that have begun and not ended: their records, or other ids.
    """

    def __init__(self, max_series: int, width: int) -> None:
        self.under_way: set[object] = set()
        self._most = max_series
        self._rest: Key = (OTHER,) * width
        self._lock = threading.Lock()
        self._series: dict[Key, dict[str, int]] = {}
        self._fresh: dict[Key, defaultdict[str, int]] = {}
        self._errors: set[str] = set()
        self._rows: deque[tuple[Key, Row, tuple[int, ...]]] = deque()

    def add_row(self, key: Key, row: Row, values: tuple[int, ...]) -> None:
        """Add what many others add under the same names too: it is added up with them, in a tenth of the time."""
        rows = self._rows
        rows.append((key, row, values))
        if len(rows) >= _MOST_ROWS:
            with self._lock:
                self._add_up()

    def add(self, key: Key, amounts: Iterable[Amount]) -> None:
        """Add amounts to the series of *key*."""
        with self._lock:
            self._add(key, amounts)

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
            self._add_up()
            found = {key: dict(amounts) for key, amounts in self._series.items()}
            for key, amounts in self._fresh.items():
                _add_to(found[key], amounts)
            return found

    def taken(self) -> dict[Key, dict[str, int]]:
        """Return what was counted since the last time."""
        with self._lock:
            self._add_up()
            fresh, self._fresh = self._fresh, {}
            for key, amounts in fresh.items():
                _add_to(self._series[key], amounts)
        return {key: dict(amounts) for key, amounts in fresh.items()}

    def drained(self) -> dict[Key, dict[str, int]]:
        """Return what was counted since the last time, and forget it: series are told apart anew."""
        with self._lock:
            self._add_up()
            fresh, self._fresh = self._fresh, {}
            self._series.clear()
        return {key: dict(amounts) for key, amounts in fresh.items()}

    def _add_up(self) -> None:
        """Add the rows; the lock is held."""
        rows = self._rows
        alike: dict[Row, dict[Key, list[tuple[int, ...]]]] = {}
        for _ in range(len(rows)):
            key, row, values = rows.popleft()
            try:
                alike[row][key].append(values)
            except KeyError:
                alike.setdefault(row, {})[key] = [values]
        for row, keys in alike.items():
            for key, several in keys.items():
                sums = map(sum, zip(*several, strict=True))
                self._add(key, [amount for amount in zip(row.names, sums, strict=True) if amount[1]])
                self._add(key, [(name, len(several)) for name in row.once])

    def _add(self, key: Key, amounts: Iterable[Amount]) -> None:
        fresh = self._fresh.get(key)
        if fresh is None:
            fresh = self._begin(key)
        for name, amount in amounts:
            fresh[name] += amount

    def _begin(self, key: Key) -> defaultdict[str, int]:
        """Return the fresh amounts of a key that has none, under the key that it counts as."""
        series = self._series
        if key not in series:
            if len(series) - (self._rest in series) >= self._most:
                series.setdefault(self._rest, {})
                fresh = self._fresh.setdefault(self._rest, defaultdict(int))
                fresh[FOLDED] += 1
                return fresh
            series[key] = {}
        fresh = self._fresh[key] = defaultdict(int)
        return fresh


def _add_to(sums: dict[str, int], amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        sums[name] = sums.get(name, 0) + amount
