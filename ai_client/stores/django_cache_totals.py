"""Totals in a Django cache: an entry for each period, and one that lists those that are listed."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from .base import SETTLED_FOR, Sums, Tally
from .django_cache_entries import CacheEntries
from .totals import Totals, added, by_period, is_listed

_AT_ONCE = 100
"""Periods that are written under one lock, which ends by itself after some seconds."""
_Keys = dict[str, dict[str, int]]


class CacheTotals(CacheEntries):
    """The totals of a backend."""

    def _locked(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def _in_use(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        with self._in_use() as cache:
            periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
            wanted = [period for period in periods if first <= period <= last]
            return {period: cache.get(self._name("sums", period)) or {} for period in wanted}

    def record(self, ticket: str, tallies: Sequence[Tally], now: float) -> None:
        """Add to the totals of several periods, once, some at a time."""
        rest = iter(by_period(tallies).items())
        number = 0
        while some := dict(islice(rest, _AT_ONCE)):
            one = self._name("ticket", f"{ticket}:{number}" if number else ticket)
            with self._locked() as cache:
                if cache.get(one) != "settled":
                    self._add(
                        cache, {name: (period.until, period.keys) for name, period in some.items()}, now
                    )
                    cache.set(one, "settled", SETTLED_FOR)
            number += 1

    def totals(self, periods: Sequence[str], apart: Collection[str]) -> Totals:
        """Return the totals of periods together, and those of some keys for each period."""
        names = {self._name("sums", period): period for period in periods}
        with self._in_use() as cache:
            found: dict[str, _Keys] = cache.get_many([*names])
        return added({names[name]: keys for name, keys in found.items()}, apart)

    def _add(self, cache: Any, tallies: dict[str, tuple[float, _Keys]], now: float) -> None:
        """Add to the totals of periods, which are given with their ends."""
        names = {period: self._name("sums", period) for period in tallies}
        found: dict[str, _Keys] = cache.get_many([*names.values()])
        listed = {period: until for period, (until, _) in tallies.items() if is_listed(period)}
        if listed:
            periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
            live = {name: end for name, end in periods.items() if end > now} | listed
            self._keep(cache, f"{self._prefix}periods", live, max(live.values()), now)
        for period, (until, keys) in tallies.items():
            kept = found.get(names[period]) or {}
            for key, amounts in keys.items():
                totals = kept.setdefault(key, {})
                for name, amount in amounts.items():
                    totals[name] = totals.get(name, 0) + amount
            self._keep(cache, names[period], kept, until, now)
