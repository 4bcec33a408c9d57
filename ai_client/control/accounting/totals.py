"""The totals that `Cost` keeps by the hour, grouped for a report."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic_core import from_json

from ..._call.usage import SOURCES
from ...stores.base import Sums

Dimension: TypeAlias = Literal["endpoint", "model", "tenant", "user", "alias", "target", "hour", "day"]
Values = tuple[str | None, ...]
"""The value of each dimension that a report groups by."""
_LABELS: tuple[Dimension, ...] = ("endpoint", "model", "tenant", "user", "alias", "target")
FIRST, LAST = "", "9999"
"""Names before and after those of all periods."""


def hour_of(now: float) -> str:
    """Return the name of the period in which a call counts: its hour in UTC."""
    return datetime.fromtimestamp(now, UTC).isoformat()[:13]


def hours(period: str) -> dict[str, str]:
    """Return the hour and the day of a period in UTC."""
    return {"hour": period, "day": period[:10]}


def summed(
    found: Mapping[str, Mapping[str, Sums]],
    by: Sequence[Dimension],
    times: Callable[[str], Mapping[str, str]],
    rows: dict[Values, dict[str, int]] | None = None,
) -> dict[Values, dict[str, int]]:
    """Add up totals by the values of *by*.

    Args:
        found: The totals by period and labels.
        by: The dimensions to group by.
        times: Returns the hour and the day of a period.
        rows: Rows that they are added to.
    """
    rows = {} if rows is None else rows
    for period, keys in found.items():
        at = times(period)
        for key, sums in keys.items():
            labels: dict[str, str | None] = dict(zip(_LABELS, from_json(key), strict=True))
            labels |= at
            totals = rows.setdefault(tuple(labels[name] for name in by), {})
            for name, amount in sums.items():
                totals[name] = totals.get(name, 0) + amount
    return rows


def in_order(rows: Mapping[Values, dict[str, int]]) -> list[tuple[Values, dict[str, int]]]:
    """Return rows in the order of their values, with the number of calls of each."""
    for totals in rows.values():
        totals["calls"] = sum(totals.get(source, 0) for source in SOURCES)
    return sorted(rows.items(), key=lambda row: [value or "" for value in row[0]])
