"""Counts of one process that go to several places once a second: to its metrics, and to the statistics."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ...stores import Tally
from ..observability.counting.counts import OTHER, Counts, Key
from .amounts import add
from .policy import Statistics
from .rollup import RollUp

Sink: TypeAlias = Callable[[Key, Mapping[str, int]], None]
_WIDTH = 3


class GatheredCounts:
    """The counts of one process by endpoint, model and tenant, from which metrics and statistics are fed.

    While the store is down, amounts stay here, and count in the minute in which it is back.

    Args:
        statistics: The options, and the store.
        max_series: Combinations of labels that are told apart between two writings.
        owner: The policy that counts, whose counts are written once more after it was dropped.

    Attributes:
        counts: What the calls of this process are added to.
    """

    def __init__(self, statistics: Statistics, max_series: int, owner: object) -> None:
        self.counts = Counts(max_series, _WIDTH)
        self._most = max_series
        self._store = statistics.shared
        self._rolled = RollUp(
            self._store.backend,
            statistics.name,
            statistics.client,
            max_series=statistics.max_series,
            retention=statistics.retention,
        )
        self._lock = threading.Lock()
        self._sinks: list[Sink] = []
        self._waiting: dict[Key, dict[str, int]] = {}
        recording = self._store.gathering
        recording.gather(self.tallies, owner)
        recording.wake()

    def feed(self, sink: Sink) -> None:
        """Have a function called with all that is counted from now on, once a second and at each `pour`."""
        with self._lock:
            self._sinks.append(sink)

    def pour(self) -> None:
        """Pass on what was counted."""
        with self._lock:
            for key, amounts in self.counts.drained().items():
                for sink in self._sinks:
                    sink(key, amounts)
                waiting = self._waiting
                if key not in waiting and len(waiting) >= self._most:
                    key = (OTHER,) * _WIDTH  # noqa: PLW2901
                if key in waiting:
                    add(waiting[key], amounts)
                else:
                    waiting[key] = amounts

    def tallies(self) -> list[Tally]:
        """Return what is to be added to the periods of this moment."""
        self.pour()
        if self._store.is_behind:
            return []
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return self._rolled.tallies(waiting, time.time())


class ShownCounts(Counts):
    """Counts by some of the labels, fed from `GatheredCounts` before they are read.

    Args:
        max_series: Combinations of these labels that are told apart.
        places: Where the labels are in a key of calls.
        gathered: What they are fed from.
    """

    def __init__(self, max_series: int, places: tuple[int, ...], gathered: GatheredCounts) -> None:
        super().__init__(max_series, len(places))
        self._places = places
        self._pour = gathered.pour
        gathered.feed(self._take_over)

    def totals(self) -> dict[Key, dict[str, int]]:
        """Return all that was counted so far."""
        self._pour()
        return super().totals()

    def taken(self) -> dict[Key, dict[str, int]]:
        """Return what was counted since the last time."""
        self._pour()
        return super().taken()

    def _take_over(self, key: Key, amounts: Mapping[str, int]) -> None:
        self.add(tuple(key[place] for place in self._places), amounts.items())
