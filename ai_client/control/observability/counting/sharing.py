"""Counts of the processes that share a store together, and what each of them shows of itself."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic_core import from_json, to_json

from ...._io.reading import read
from ....errors import StoreError
from ....stores import Tally
from ....stores.tickets import new_ticket
from .counts import OTHER, Counts, Key
from .living import ShownProcess, shown_in, this_process
from .names import FOLDED

Figures: TypeAlias = Mapping[str, int]
"""Amounts by name."""
_OF_PROCESSES = "processes"
"""The key of what processes count of themselves, such as the clients that they built."""
_KEPT = 62 * 86_400.0
_EVERY, _LIFE = 5.0, 15.0
"""Seconds from one showing of what a process is at to the next, and until it counts as ended."""
_MINUTE = 60
_PATIENCE = 5.0


@dataclass
class Snapshot:
    """The state of the calls of one client at one moment.

    Attributes:
        series: Amounts by name for the values of the labels.
        counters: Amounts that processes count of themselves.
        gauges: What the living processes are at, added up.
        processes: How many there are.
        complete: Whether the store could be read; else nothing is known of other processes, nor of what was counted.
    """

    series: Mapping[Key, Figures] = field(default_factory=dict[Key, Figures])
    counters: Figures = field(default_factory=dict[str, int])
    gauges: Figures = field(default_factory=dict[str, int])
    processes: int = 1
    complete: bool = True


class SharedCounts:
    """The part of one process in what those that share a store count together.

    Args:
        counts: What this process counts.
        store: The store.
        name: The name that applications sharing a store differ in, the client, and what tells series apart.
        max_series: Combinations of labels that are told apart in the store.
        width: How many labels there are.
        owner: The policy that counts, whose counts are written once more after it was dropped.

    Attributes:
        own: Returns what this process counts of itself, and what it is at; it keeps the policy not alive.
    """

    def __init__(
        self, counts: Counts, store: Any, name: str, *, max_series: int, width: int, owner: object
    ) -> None:
        self.own: Callable[[], tuple[Figures, Figures]] | None = None
        self._counts = counts
        self._store = store
        self._backend = store.backend
        self._period, self._living = f"metrics|{name}", f"metrics-living|{name}|"
        self._ticket = new_ticket()
        self._most, self._rest = max_series, (OTHER,) * width
        self._known: set[Key] | None = None
        self._told: dict[str, int] = {}
        self._shown = 0.0
        self._announced = 0
        store.recording.gather(self.tallies, owner)
        store.recording.wake()

    def tallies(self) -> list[Tally]:
        """Return what has been counted since the last time, for the store, and show what this process is at."""
        now = time.time()
        found: list[Tally] = []
        series = self._counts.taken()
        if series:
            self._learn()
        for key, amounts in series.items():
            at, said = self._placed(key, amounts)
            found.append(Tally(self._period, to_json(at).decode(), said, now + _KEPT))
        if self.own is None:  # its clients are not built yet, or closed: nothing is opened for them
            return found
        counters, gauges = self.own()
        if added := {n: a - self._told.get(n, 0) for n, a in counters.items() if a > self._told.get(n, 0)}:
            self._told.update(counters)
            found.append(Tally(self._period, _OF_PROCESSES, added, now + _KEPT))
        minute = int(now // _MINUTE)
        if minute != self._announced:
            self._announced = minute
            found.append(Tally(self._period_of(minute), self._ticket, {"is": 1}, now + 3 * _MINUTE))
        if now - self._shown >= _EVERY or now < self._shown:
            self._shown = now
            self._show(this_process(counters, gauges, now).encoded(), now)
        return found

    def snapshot(self) -> Snapshot:
        """Return what all processes have counted; blocks while it reads the store."""
        gauges: Figures = {} if self.own is None else self.own()[1]
        now = time.time()
        try:
            found = read(lambda io: self._store.sums(io, self._period, self._period), _PATIENCE)
            others = read(lambda io: self._others(io, now), _PATIENCE)
        except StoreError:
            return Snapshot(gauges=gauges, complete=False)
        sums: dict[str, Any] = {**found.get(self._period, {})}
        counters: Figures = sums.pop(_OF_PROCESSES, {})
        series: dict[Key, Figures] = {tuple(from_json(key)): amounts for key, amounts in sums.items()}
        self._known = {*series}
        shown = [gauges, *(one.gauges for one in others)]
        return Snapshot(series, counters, _added(shown), len(shown))

    async def processes(self, io: Any) -> list[ShownProcess]:
        """Return what each living process shows, this one at this moment.

        Raises:
            StoreError: The store is down.
        """
        now = time.time()
        others = await self._others(io, now)
        return others if self.own is None else [this_process(*self.own(), now), *others]

    async def counters(self, io: Any) -> Figures:
        """Return what processes have counted of themselves, those that have ended too.

        Raises:
            StoreError: The store is down.
        """
        found = await self._store.sums(io, self._period, self._period)
        counters: Figures = found.get(self._period, {}).get(_OF_PROCESSES, {})
        return counters

    def end(self) -> None:
        """Write what was counted and show no more, as the clients are closed."""
        self._store.recording.write()
        self.own = None
        self._show(b"", time.time())

    def _learn(self) -> None:
        """Read which series the store has, before the first is added."""
        if self._known is None:
            with suppress(StoreError):
                found = self._backend.sums(self._period, self._period).get(self._period, {})
                self._known = {tuple(from_json(key)) for key in found if key != _OF_PROCESSES}

    def _placed(self, key: Key, amounts: dict[str, int]) -> tuple[Key, dict[str, int]]:
        """Return the series in which amounts count, and the amounts."""
        known = self._known
        if known is None or key in known or key == self._rest:
            return key, amounts
        if len(known - {self._rest}) < self._most:
            known.add(key)
            return key, amounts
        return self._rest, {**amounts, FOLDED: amounts.get(FOLDED, 0) + 1}

    def _period_of(self, minute: int) -> str:
        return f"{self._living}{minute:012}"

    def _show(self, value: bytes, now: float) -> None:
        with suppress(StoreError):
            self._backend.set(f"{self._period}|{self._ticket}", value, now + _LIFE, now)

    async def _others(self, io: Any, now: float) -> list[ShownProcess]:
        """Return what other processes show that have not ended."""
        minute = int(now // _MINUTE)
        living = await self._store.sums(io, self._period_of(minute - 1), self._period_of(minute + 1))
        tickets = set[str]().union(*living.values()) - {self._ticket}
        shown = [shown_in(await self._store.get(io, f"{self._period}|{one}", now)) for one in sorted(tickets)]
        return [one for one in shown if one is not None]


def _added(figures: list[Figures]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in figures:
        for name, amount in one.items():
            sums[name] = sums.get(name, 0) + amount
    return sums
