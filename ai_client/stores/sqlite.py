"""`sqlite:///file`: state shared by the processes of one machine, in a file that outlives them."""

import sqlite3
from collections.abc import Sequence
from itertools import count
from typing import TypeVar

from .._fork import PerProcess
from .base import (
    DEFAULT_MAX_BYTES,
    MOST,
    SETTLED_FOR,
    Change,
    Hold,
    Ledger,
    Refusal,
    Spend,
    Sums,
    Take,
    Tally,
    bounded,
)
from .sqlite_file import SqliteFile, Work
from .sqlite_windows import ADD, SCHEMA as WINDOWS, add_to_windows, take_of

T = TypeVar("T")

_SWEEP_EVERY = 2048
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledgers (key TEXT PRIMARY KEY, used INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (
    key TEXT, ticket TEXT, amount INTEGER NOT NULL, expires REAL NOT NULL, counted_until REAL NOT NULL,
    PRIMARY KEY (key, ticket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (ticket TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (
    period TEXT, key TEXT, name TEXT, amount INTEGER NOT NULL, until REAL NOT NULL, PRIMARY KEY (period, key, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
    number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, value BLOB NOT NULL, expires REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS size (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL);
INSERT OR IGNORE INTO size VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS kept_grows AFTER INSERT ON kept
    BEGIN UPDATE size SET bytes = bytes + length(new.value); END;
CREATE TRIGGER IF NOT EXISTS kept_shrinks AFTER DELETE ON kept
    BEGIN UPDATE size SET bytes = bytes - length(old.value); END;
"""


class SqliteBackend:
    """State in an SQLite file in WAL mode: any number of readers, one writer at a time.

    Args:
        path: The file; created if missing, with its directory, readable by its owner only.
        max_bytes: Bound on all values kept by `set`; the oldest are evicted first.
    """

    instant = False

    def __init__(self, path: str, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._file = SqliteFile(path, _SCHEMA + WINDOWS, "reservations")
        self._changes = PerProcess(count)

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""

        def admit(db: sqlite3.Connection) -> Refusal | None:
            for index, hold in enumerate(holds):
                ledger = _ledger(db, hold.key, now, ticket)
                if hold.limit is not None and ledger.used + ledger.held + hold.amount > hold.limit:
                    return Refusal(index, ledger.used, ledger.held)
            refusal = take_of(db, ticket, takes, now) if takes else None
            if refusal is None:
                db.executemany(
                    "INSERT OR IGNORE INTO reservations VALUES (?, ?, ?, ?, ?)",
                    [
                        (hold.key, ticket, bounded(hold.amount), expires, _counted_until(hold))
                        for hold in holds
                    ],
                )
            return refusal

        return self._write(admit, now)

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""

        def renew(db: sqlite3.Connection) -> bool:
            held = db.executemany(
                "UPDATE reservations SET expires = max(expires, ?) WHERE key = ? AND ticket = ? AND expires > ?",
                [(expires, hold.key, ticket, now) for hold in holds],
            )
            return held.rowcount == len(holds)

        return self._write(renew, now)

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds and count what was used, once."""

        def settle(db: sqlite3.Connection) -> list[Ledger]:
            fresh = db.execute(
                "INSERT OR IGNORE INTO settled VALUES (?, ?)", (ticket, now + SETTLED_FOR)
            ).rowcount
            if fresh:
                keys = [(spend.key, ticket) for spend in spends]
                db.executemany("DELETE FROM reservations WHERE key = ? AND ticket = ?", keys)
                db.executemany(
                    "INSERT INTO ledgers VALUES (:key, :amount, :until) ON CONFLICT (key) DO UPDATE SET until = :until,"
                    " used = min(:most, :amount + CASE WHEN until > :now THEN used ELSE 0 END)",
                    [
                        {
                            "key": spend.key,
                            "amount": bounded(spend.amount),
                            "until": spend.until,
                            "now": now,
                            "most": MOST,
                        }
                        for spend in spends
                    ],
                )
                add_to_windows(db, ticket, changes)
                if tally is not None:
                    _add_to_sums(db, tally)
            return [_ledger(db, spend.key, now) for spend in spends]

        return self._write(settle, now)

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        return self._file.read(lambda db: _ledger(db, key, now))

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        rows: list[tuple[str, str, str, int]] = self._file.read(
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
        row = self._file.read(
            lambda db: db.execute(
                "SELECT value FROM kept WHERE key = ? AND expires > ?", (key, now)
            ).fetchone()
        )
        return None if row is None else bytes(row[0])

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until it is evicted for lack of room."""

        def keep(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM kept WHERE key = ?", (key,))
            if len(value) > self._max_bytes:
                return
            db.execute("INSERT INTO kept (key, value, expires) VALUES (?, ?, ?)", (key, value, expires))
            while db.execute("SELECT bytes FROM size").fetchone()[0] > self._max_bytes:
                db.execute("DELETE FROM kept WHERE number = (SELECT min(number) FROM kept)")

        self._write(keep, now)

    def close(self) -> None:
        """Close the file; later use opens it again."""
        self._file.close()

    def _write(self, work: Work[T], now: float) -> T:
        """Run *work* in a write transaction, the first and every `_SWEEP_EVERY`th together with `_sweep`."""
        if next(self._changes()) % _SWEEP_EVERY:
            return self._file.write(work)

        def sweep_too(db: sqlite3.Connection) -> T:
            _sweep(db, now)
            return work(db)

        return self._file.write(sweep_too)


def _sweep(db: sqlite3.Connection, now: float) -> None:
    """Delete expired rows."""
    db.execute("DELETE FROM reservations WHERE expires <= ? AND counted_until <= ?", (now, now))
    for table in ("ledgers", "places", "settled", "slots", "sums"):
        db.execute(f"DELETE FROM {table} WHERE until <= ?", (now,))  # noqa: S608 - the names are above
    db.execute("DELETE FROM kept WHERE expires <= ?", (now,))


def _ledger(db: sqlite3.Connection, key: str, now: float, without: str = "") -> Ledger:
    """Return the balance of a ledger, without what one ticket holds.

    What a killed process held stays in `reservations` after its end where it counts as used, so that a late settlement
    replaces it.
    """
    used, counted, held = db.execute(
        "SELECT coalesce((SELECT used FROM ledgers WHERE key = :key AND until > :now), 0),"
        " min(:most, CAST(total(amount) FILTER (WHERE expires <= :now AND counted_until > :now) AS INTEGER)),"
        " min(:most, CAST(total(amount) FILTER (WHERE expires > :now) AS INTEGER))"
        " FROM reservations WHERE key = :key AND ticket <> :without",
        {"key": key, "now": now, "most": MOST, "without": without},
    ).fetchone()
    return Ledger(bounded(used + counted), held)


def _counted_until(hold: Hold) -> float:
    """Return until when a reservation counts as used after its end."""
    return hold.until if hold.on_expired == "count" else 0.0


def _add_to_sums(db: sqlite3.Connection, tally: Tally) -> None:
    db.executemany(
        f"INSERT INTO sums VALUES (?, ?, ?, ?, ?) ON CONFLICT (period, key, name) DO UPDATE {ADD}",  # noqa: S608
        [
            (tally.period, tally.key, name, bounded(amount), tally.until)
            for name, amount in tally.amounts.items()
        ],
    )
