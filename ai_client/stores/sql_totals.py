"""Totals in the table `sums` of SQL: many written in one transaction, and added up by the database."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

from .base import MOST, SETTLED_FOR, Tally, bounded
from .sql_windows import Database, total
from .totals import DIGITS, LENGTHS, UNLISTED, Totals, by_period

T = TypeVar("T")
_AT_ONCE = 150
"""Rows that one statement writes, with five parameters each, of which old versions of SQLite take 999."""
_ADD = """\
INSERT INTO sums (period, key, name, amount, until) VALUES {rows}
ON CONFLICT (period, key, name) DO UPDATE SET amount = CASE
    WHEN excluded.amount > 0 AND sums.amount > {most} - excluded.amount THEN {most}
    WHEN excluded.amount < 0 AND sums.amount < -{most} - excluded.amount THEN -{most}
    ELSE sums.amount + excluded.amount END
"""
_TOTALS = """\
SELECT '', key, name, sum(amount / 4294967296), sum(amount % 4294967296) FROM sums
WHERE period IN ({periods}) GROUP BY key, name
UNION ALL
SELECT period, key, name, amount / 4294967296, amount % 4294967296 FROM sums
WHERE period IN ({periods}) AND key IN ({keys})
"""
_END = "z"
"""Follows, in every order of letters that a database may have, on what the names of unlisted periods hold."""
LISTED = f"(period < '{UNLISTED}' OR period > '{UNLISTED}{_END}')"
"""The condition for rows of other periods: a search through all of these would take long."""


class SqlTotals:
    """Totals over statements of SQL, a part of `SqlBackend`."""

    def _read(self, work: Callable[[Database], T]) -> T:
        raise NotImplementedError

    def _write(self, work: Callable[[Database], T], now: float, keys: Iterable[str]) -> T:
        raise NotImplementedError

    def record(self, ticket: str, tallies: Sequence[Tally], now: float) -> None:
        """Add to the totals of several periods, once, in one transaction."""
        found = by_period(tallies)
        rows = [
            (name, key, sums, bounded(amount), period.until)
            for name, period in found.items()
            for key, amounts in sorted(period.keys.items())
            for sums, amount in sorted(amounts.items())
        ]

        def add(db: Database) -> None:
            fresh = db.execute(
                "INSERT INTO tickets (ticket, settled, until) VALUES (?, 1, ?) ON CONFLICT (ticket) DO NOTHING",
                (ticket, now + SETTLED_FOR),
            )
            if not fresh.rowcount:
                return
            for first in range(0, len(rows), _AT_ONCE):
                some = rows[first : first + _AT_ONCE]
                places = ", ".join(["(?, ?, ?, ?, ?)"] * len(some))
                db.execute(_ADD.format(rows=places, most=MOST), [value for row in some for value in row])

        self._write(add, now, ())
        if any(name.startswith(UNLISTED) for name in found):
            self._read(lambda db: _forget(db, now))

    def totals(self, periods: Sequence[str], apart: Collection[str]) -> Totals:
        """Return the totals of periods together, and those of some keys for each period."""
        if not periods:
            return Totals({}, {})
        statement = _TOTALS.format(
            periods=", ".join("?" * len(periods)), keys=", ".join("?" * len(apart)) or "NULL"
        )
        rows: list[Any] = self._read(
            lambda db: db.execute(statement, (*periods, *periods, *apart)).fetchall()
        )
        sums: dict[str, dict[str, int]] = {}
        chosen: dict[str, dict[str, dict[str, int]]] = {}
        for period, key, name, high, low in rows:
            keys = chosen.setdefault(period, {}) if period else sums
            keys.setdefault(key, {})[name] = total(high, low)
        return Totals(sums, chosen)


def _forget(db: Database, now: float) -> None:
    """Delete the oldest unlisted periods of each length where they have ended; they end in the order of their names."""
    for length in LENGTHS:
        start = f"{UNLISTED}{length}"
        oldest: Any = db.execute(
            "SELECT period, until FROM sums WHERE period > ? AND period < ? ORDER BY period LIMIT 1",
            (start, f"{start}{_END}"),
        ).fetchone()
        if oldest is not None and oldest[1] <= now:
            number = oldest[0][: len(start) + DIGITS]
            db.execute("DELETE FROM sums WHERE period >= ? AND period < ?", (number, f"{number}{_END}"))
