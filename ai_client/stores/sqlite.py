"""`sqlite:///file`: state shared by the processes of one machine, in a file that outlives them."""

import os
import sqlite3
from collections.abc import Callable, Iterable
from itertools import count
from typing import TypeVar, cast

from .._fork import PerProcess
from .base import DEFAULT_MAX_BYTES
from .sql import SqlBackend
from .sql_log import LOG_SCHEMA
from .sql_totals import LISTED
from .sql_windows import Database
from .sqlite_file import SqliteFile

T = TypeVar("T")
_SWEEP_EVERY = 2048
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledgers (key TEXT PRIMARY KEY, used INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (
    key TEXT, ticket TEXT, amount INTEGER NOT NULL, expires REAL NOT NULL, counted_until REAL NOT NULL,
    PRIMARY KEY (key, ticket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    key TEXT, slot INTEGER, amount INTEGER NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    number INTEGER PRIMARY KEY, key TEXT, ticket TEXT, amount INTEGER NOT NULL, until REAL NOT NULL,
    UNIQUE (key, ticket)
);
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
CREATE TABLE IF NOT EXISTS tickets (
    ticket TEXT PRIMARY KEY, settled INTEGER NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
"""


class SqliteBackend(SqlBackend):
    """State in an SQLite file in WAL mode: any number of readers, one writer at a time.

    Args:
        path: The file; created if missing, with its directory, readable by its owner only.
        max_bytes: Bound on all values kept by `set`; the oldest are evicted first.
    """

    instant = False

    def __init__(self, path: str, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.place = "sqlite", os.path.realpath(path)
        self._max_bytes = max_bytes
        self._file = SqliteFile(path, _SCHEMA + LOG_SCHEMA, "log_contents")
        self._changes = PerProcess(count)

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until it is evicted for lack of room."""

        def keep(db: Database) -> None:
            db.execute("DELETE FROM kept WHERE key = ?", (key,))
            if len(value) > self._max_bytes:
                return
            db.execute("INSERT INTO kept (key, value, expires) VALUES (?, ?, ?)", (key, value, expires))
            while db.execute("SELECT bytes FROM size").fetchone()[0] > self._max_bytes:
                db.execute("DELETE FROM kept WHERE number = (SELECT min(number) FROM kept)")

        self._write(keep, now, ())

    def close(self) -> None:
        """Close the file; later use opens it again."""
        self._file.close()

    def _read(self, work: Callable[[Database], T]) -> T:
        return self._file.read(cast("Callable[[sqlite3.Connection], T]", work))

    def _write(self, work: Callable[[Database], T], now: float, keys: Iterable[str]) -> T:
        """Run *work* in a write transaction, after the first and every `_SWEEP_EVERY`th `_sweep`."""
        del keys  # there is one writer at a time
        if next(self._changes()) % _SWEEP_EVERY == 0:
            self._file.write(lambda db: _sweep(db, now))
        return self._file.write(cast("Callable[[sqlite3.Connection], T]", work))


def _sweep(db: sqlite3.Connection, now: float) -> None:
    """Delete expired rows."""
    db.execute("DELETE FROM reservations WHERE expires <= ? AND counted_until <= ?", (now, now))
    for table in ("ledgers", "places", "tickets", "slots", "log_entries", "log_contents"):
        db.execute(f"DELETE FROM {table} WHERE until <= ?", (now,))  # noqa: S608 - the names are above
    db.execute(f"DELETE FROM sums WHERE until <= ? AND {LISTED}", (now,))  # noqa: S608 - of constants
    db.execute("DELETE FROM kept WHERE expires <= ?", (now,))
