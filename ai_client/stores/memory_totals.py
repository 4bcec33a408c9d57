"""Totals in the memory of one process: many added at once, and added up."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from .._fork import PerProcess
from .base import Tally
from .memory_state import SWEEP_EVERY, State
from .totals import Totals, added, by_period, is_listed

_SWEEP_AFTER = 60.0
"""Seconds after which what has ended is dropped."""
_Keys = dict[str, dict[str, int]]


class MemoryTotals:
    """Totals of a process, a part of `MemoryBackend`."""

    _state: PerProcess[State]
    _swept = 0.0

    def record(self, ticket: str, tallies: Sequence[Tally], now: float) -> None:
        """Add to the totals of several periods, once and in one step."""
        found = by_period(tallies)
        state = self._state()
        with state.lock:
            if state.tickets.get(ticket):
                return
            self._forget(state, now)
            unlisted: dict[str, tuple[float, _Keys]] = {}
            for name, period in found.items():
                if is_listed(name):
                    for key, amounts in period.keys.items():
                        totals = state.totals(Tally(name, key, amounts, period.until))
                        totals.update(_sums(totals, amounts))
                else:
                    until, keys = state.unlisted.get(name, (period.until, {}))
                    changed = {key: _sums(keys.get(key, {}), amounts) for key, amounts in period.keys.items()}
                    unlisted[name] = until, {**keys, **changed}
            state.tickets[ticket] = True
            state.unlisted.update(unlisted)

    def totals(self, periods: Sequence[str], apart: Collection[str]) -> Totals:
        """Return the totals of periods together, and those of some keys for each period."""
        state = self._state()
        with state.lock:  # what is unlisted is replaced, and never changed
            found: dict[str, Mapping[str, Mapping[str, int]]] = {
                period: {key: dict(totals) for key, totals in state.sums[period][1].items()}
                if period in state.sums
                else state.unlisted[period][1]
                for period in periods
                if period in state.sums or period in state.unlisted
            }
        return added(found, apart)

    def _forget(self, state: State, now: float) -> None:
        """Drop what has ended, and the tickets that were settled first."""
        if not now - _SWEEP_AFTER < self._swept <= now:
            self._swept = now
            state.unlisted = {name: kept for name, kept in state.unlisted.items() if kept[0] > now}
        if len(state.tickets) > 2 * SWEEP_EVERY:
            state.tickets = dict(islice(state.tickets.items(), SWEEP_EVERY, None))


def _sums(totals: Mapping[str, int], amounts: Mapping[str, int]) -> dict[str, int]:
    """Return totals with amounts added."""
    return {**totals, **{name: totals.get(name, 0) + amount for name, amount in amounts.items()}}
