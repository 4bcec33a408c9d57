"""State in tables of SQL: what SQLite and PostgreSQL do alike, in statements that both understand."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar, cast

from .base import SETTLED_FOR, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally, bounded
from .sql_ledgers import GRANTED, RESETS, clear, listed
from .sql_log import SqlLogs
from .sql_totals import SqlTotals
from .sql_windows import Database, add_to_windows, adding, take_of, total

T = TypeVar("T")
_LEDGER = """\
SELECT ?, coalesce((SELECT used FROM ledgers WHERE key = ? AND until > ?), 0),
    coalesce((SELECT used FROM ledgers WHERE key = ? AND until > ?), 0),
    coalesce((SELECT used FROM ledgers WHERE key = ? AND until > ?), 0),
    coalesce(sum(amount / 4294967296) FILTER (WHERE expires <= ?), 0),
    coalesce(sum(amount % 4294967296) FILTER (WHERE expires <= ?), 0),
    coalesce(sum(amount / 4294967296) FILTER (WHERE expires > ?), 0),
    coalesce(sum(amount % 4294967296) FILTER (WHERE expires > ?), 0)
FROM reservations WHERE key = ? AND (expires > ? OR counted_until > ?)
"""
_ADD_TO_SUM = """\
INSERT INTO sums (period, key, name, amount, until) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (period, key, name) DO UPDATE SET amount = CASE
    WHEN sums.amount > ? THEN ? WHEN sums.amount < ? THEN ? ELSE sums.amount + excluded.amount END
"""


class SqlBackend(SqlLogs, SqlTotals, ABC):
    """State in the tables `ledgers`, `reservations`, `tickets`, `slots`, `places`, `sums` and `kept`, and logs."""

    @abstractmethod
    def _read(self, work: Callable[[Database], T]) -> T:
        """Run *work*, which only reads, in one statement."""

    @abstractmethod
    def _write(self, work: Callable[[Database], T], now: float, keys: Iterable[str]) -> T:
        """Run *work* in a transaction of its own: all of it takes effect, or nothing.

        It reads what the last transaction that wrote to one of *keys* (ledgers and windows) has committed.
        """

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""

        def admit(db: Database) -> Refusal | None:
            if db.execute("SELECT 1 FROM tickets WHERE ticket = ?", (ticket,)).fetchone() is not None:
                return None
            ledgers = _ledgers(db, [hold.key for hold in holds], now)
            for index, (hold, ledger) in enumerate(zip(holds, ledgers, strict=True)):
                if (
                    hold.limit is not None
                    and ledger.used + ledger.held + hold.amount > hold.limit + ledger.granted
                ):
                    return Refusal(index, ledger.used, ledger.held, granted=ledger.granted)
            refusal = take_of(db, ticket, takes, now) if takes else None
            if refusal is not None:
                return refusal
            db.executemany(
                "INSERT INTO tickets (ticket, settled, until) VALUES (?, 0, ?) ON CONFLICT (ticket) DO NOTHING",
                [(ticket, max(now + SETTLED_FOR, expires))],
            )
            db.executemany(
                "INSERT INTO reservations (key, ticket, amount, expires, counted_until) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (key, ticket) DO NOTHING",
                [(hold.key, ticket, bounded(hold.amount), expires, _counted_until(hold)) for hold in holds],
            )
            return None

        keys = {*(hold.key for hold in holds), *(take.key for take in takes)}
        return self._write(admit, now, keys)

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""

        def renew(db: Database) -> bool:
            rows = [
                db.execute(
                    "UPDATE reservations SET expires = CASE WHEN expires > ? THEN expires ELSE ? END"
                    " WHERE key = ? AND ticket = ? AND expires > ?",
                    (expires, expires, hold.key, ticket, now),
                ).rowcount
                for hold in holds
            ]
            return all(rows)

        return self._write(renew, now, {hold.key for hold in holds})

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds and count what was used, once."""

        def settle(db: Database) -> list[Ledger]:
            fresh = db.execute(
                "INSERT INTO tickets (ticket, settled, until) VALUES (?, 1, ?) ON CONFLICT (ticket)"
                " DO UPDATE SET settled = 1, until = excluded.until WHERE tickets.settled = 0",
                (ticket, now + SETTLED_FOR),
            )
            if fresh.rowcount:
                db.executemany(
                    "DELETE FROM reservations WHERE key = ? AND ticket = ?",
                    [(spend.key, ticket) for spend in spends],
                )
                for spend in spends:
                    _add_to_ledger(db, spend, now)
                add_to_windows(db, ticket, changes)
                if tally is not None:
                    _add_to_sums(db, tally)
            return _ledgers(db, [spend.key for spend in spends], now)

        keys = {*(spend.key for spend in spends), *(change.key for change in changes)}
        return self._write(settle, now, keys)

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        return self._read(lambda db: _ledgers(db, [key], now)[0])

    def ledgers(self, prefix: str, now: float) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*."""
        return self._read(lambda db: listed(db, prefix, now))

    def adjust(
        self, ticket: str, key: str, until: float, now: float, *, grant: int = 0, reset: bool = False
    ) -> Ledger:
        """Reset a ledger or raise its limit, once."""

        def adjust(db: Database) -> Ledger:
            fresh = db.execute(
                "INSERT INTO tickets (ticket, settled, until) VALUES (?, 1, ?) ON CONFLICT (ticket) DO NOTHING",
                (ticket, now + SETTLED_FOR),
            )
            if fresh.rowcount:
                if reset:
                    clear(db, key, now)
                    _add_to_ledger(db, Spend(RESETS + key, 1, until), now)
                if grant:
                    _add_to_ledger(db, Spend(GRANTED + key, grant, until), now)
            return _ledgers(db, [key], now)[0]

        return self._write(adjust, now, [key])

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        rows: list[tuple[str, str, str, int]] = self._read(
            lambda db: db.execute(
                "SELECT period, key, name, amount FROM sums WHERE period BETWEEN ? AND ?", (first, last)
            ).fetchall()
        )
        found: dict[str, dict[str, dict[str, int]]] = {}
        for period, key, name, amount in rows:
            found.setdefault(period, {}).setdefault(key, {})[name] = amount
        return {period: dict(keys) for period, keys in found.items()}

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired."""
        row: Any = self._read(
            lambda db: db.execute(
                "SELECT value FROM kept WHERE key = ? AND expires > ?", (key, now)
            ).fetchone()
        )
        value: Any = None if row is None else row[0]
        # others may write into the table
        return bytes(cast("bytes", value)) if isinstance(value, bytes | memoryview) else None


def _ledgers(db: Database, keys: Sequence[str], now: float) -> list[Ledger]:
    """Return the balances of ledgers, in order.

    A reservation that counts as used once it has expired stays, so that a late settlement takes its place.
    """
    if not keys:
        return []
    parameters: list[Any] = []
    for index, key in enumerate(keys):
        parameters += [index, key, now, GRANTED + key, now, RESETS + key, now]
        parameters += [now, now, now, now, key, now, now]
    rows: list[Any] = db.execute(_of_several(_LEDGER, len(keys)), parameters).fetchall()
    return [
        Ledger(bounded(used + total(*sums[:2])), total(*sums[2:]), granted, resets)
        for _, used, granted, resets, *sums in sorted(rows, key=itemgetter(0))
    ]


@lru_cache
def _of_several(statement: str, times: int) -> str:
    return " UNION ALL ".join([statement] * times)


def _counted_until(hold: Hold) -> float:
    """Return until when a reservation counts as used after its end."""
    return hold.until if hold.on_expired == "count" else 0.0


def _add_to_ledger(db: Database, spend: Spend, now: float) -> None:
    amount = bounded(spend.amount)
    db.executemany(
        "INSERT INTO ledgers (key, used, until) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
        " until = excluded.until, used = CASE WHEN ledgers.until <= ? THEN excluded.used"
        " WHEN ledgers.used > ? THEN ? ELSE ledgers.used + excluded.used END",
        [(spend.key, amount, spend.until, now, *adding(amount)[:2])],
    )


def _add_to_sums(db: Database, tally: Tally) -> None:
    rows = [
        (tally.period, tally.key, name, amount, tally.until, *adding(amount))
        for name, amount in sorted((name, bounded(amount)) for name, amount in tally.amounts.items())
    ]
    db.executemany(_ADD_TO_SUM, rows)
