"""The interface of a backend that adds to many totals at once, and adds up those of many periods itself.

Totals of a great many periods are *unlisted*: nobody looks for them, as whoever reads them knows their names.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from .base import Sums, Tally

UNLISTED = "rollup"
"""How the names of unlisted periods begin. A letter of `LENGTHS` follows, then the number of the period in
`DIGITS` digits, so that those of a length end in the order of their names; then what tells them apart."""
LENGTHS = "dhm"
DIGITS = 9


class Totals(NamedTuple):
    """The totals of several periods.

    Attributes:
        sums: All periods together, by key and name.
        apart: By period, key and name, for the keys that were asked for.
    """

    sums: Mapping[str, Sums]
    apart: Mapping[str, Mapping[str, Sums]]


class TotalsBackend(Protocol):
    """A backend that adds to many totals at once, as those of this package do.

    One of an application's own may do without; then each tally is a settlement of its own, and each period is read
    by itself.

    Raises:
        StoreError: From every method, where the backend cannot be reached.
    """

    def record(self, ticket: str, tallies: Sequence[Tally], now: float) -> None:
        """Add to the totals of several periods.

        Where it fails, it may have added a part. Whoever repeats it with the same ticket and tallies adds the rest.

        Args:
            ticket: Identifies the tallies; repeating it changes nothing.
            tallies: What to add. `sums` finds their periods unless these are unlisted.
            now: The current time.
        """
        ...

    def totals(self, periods: Sequence[str], apart: Collection[str]) -> Totals:
        """Return the totals of periods together, and those of the keys in *apart* for each period too."""
        ...


def records_at_once(backend: Any) -> bool:
    """Return whether a backend adds to many totals at once."""
    return callable(getattr(backend, "record", None))


def record_in(backend: Any, ticket: str, tallies: Sequence[Tally], now: float) -> None:
    """Add to the totals of several periods, one by one where the backend cannot do so at once."""
    if records_at_once(backend):
        backend.record(ticket, tallies, now)
    else:
        for number, tally in enumerate(tallies):
            backend.settle(f"{ticket}-{number}" if number else ticket, (), now, (), tally)


def totals_in(backend: Any, periods: Sequence[str], apart: Collection[str]) -> Totals:
    """Return the totals of periods, which are read one by one where the backend cannot add them up."""
    if callable(getattr(backend, "totals", None)):
        found: Totals = backend.totals(periods, apart)
        return found
    return added({period: backend.sums(period, period).get(period, {}) for period in periods}, apart)


def added(found: Mapping[str, Mapping[str, Sums]], apart: Collection[str]) -> Totals:
    """Return the totals of periods together; *found* is by period, key and name."""
    sums: dict[str, dict[str, int]] = {}
    for keys in found.values():
        for key, amounts in keys.items():
            into = sums.setdefault(key, {})
            for name, amount in amounts.items():
                into[name] = into.get(name, 0) + amount
    by_period = {
        period: chosen
        for period, keys in found.items()
        if (chosen := {key: keys[key] for key in apart if key in keys})
    }
    return Totals(sums, by_period)


def is_listed(period: str) -> bool:
    """Return whether `Backend.sums` finds a period."""
    return not period.startswith(UNLISTED)


class _Period(NamedTuple):
    until: float
    keys: dict[str, dict[str, int]]


def by_period(tallies: Sequence[Tally]) -> dict[str, _Period]:
    """Return what tallies add to each period, by key and name, in the order of their names.

    Whoever writes in that order waits for no one who waits for him.
    """
    found: dict[str, _Period] = {}
    for tally in tallies:
        period = found.get(tally.period)
        if period is None:
            period = found[tally.period] = _Period(tally.until, {})
        amounts = period.keys.setdefault(tally.key, {})
        for name, amount in tally.amounts.items():
            amounts[name] = amounts.get(name, 0) + amount
    return dict(sorted(found.items()))
