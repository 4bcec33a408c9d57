"""Amounts that many calls add to the same totals under the same names: as rows, which are added up column by column."""

from collections.abc import Iterable
from typing import TypeAlias

from .base import Tally


class Columns:
    """The names of the amounts in a row, and the totals that they are added to.

    Args:
        period: The name of the period.
        key: The labels that the totals belong to.
        names: The name of each amount.
        until: When the totals of the period may be deleted.
    """

    __slots__ = ("key", "names", "period", "until")

    def __init__(self, period: str, key: str, names: tuple[str, ...], until: float) -> None:
        self.period = period
        self.key = key
        self.names = names
        self.until = until


Row: TypeAlias = tuple[Columns, tuple[int, ...]]
"""The columns of a row, and the amount in each; it says the same as a `Tally`, and is made in a fifth of the time."""


def tally_of(row: Row) -> Tally:
    """Return the tally that says the same; it names no amount that is zero."""
    columns, amounts = row
    named = {name: amount for name, amount in zip(columns.names, amounts, strict=True) if amount}
    return Tally(columns.period, columns.key, named, columns.until)


def merged(recorded: Iterable[Tally | Row]) -> list[Tally]:
    """Return tallies and rows of the same labels and period as one tally each."""
    tallies: list[Tally] = []
    rows: dict[Columns, list[tuple[int, ...]]] = {}
    for one in recorded:
        if isinstance(one, Tally):
            tallies.append(one)
            continue
        columns, amounts = one
        try:
            rows[columns].append(amounts)
        except KeyError:
            rows[columns] = [amounts]
    for columns, several in rows.items():
        tallies.append(tally_of((columns, tuple(map(sum, zip(*several, strict=True))))))
    sums: dict[tuple[str, str], dict[str, int]] = {}
    until: dict[tuple[str, str], float] = {}
    for tally in tallies:
        place = tally.period, tally.key
        added = sums.setdefault(place, {})
        for name, amount in tally.amounts.items():
            added[name] = added.get(name, 0) + amount
        until[place] = max(until.get(place, tally.until), tally.until)
    return [Tally(*place, added, until[place]) for place, added in sums.items()]
