"""`sqlite:///file`: state of the processes of one machine, in a file that outlives them."""

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .._io.deadline import at_most
from ..errors import StoreError
from .base import (
    DEFAULT_MAX_BYTES,
    SETTLED_FOR,
    SLOTS,
    Change,
    Hold,
    Ledger,
    Refusal,
    Spend,
    Sums,
    Take,
    Tally,
)
from .memory import seconds_until_room

BUSY_TIMEOUT = 15.0
"""Seconds to wait for other writers."""
_BUSY_PAUSE = 0.01
_SWEEP_EVERY = 2048
_inherited: list[sqlite3.Connection] = []
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledgers (key TEXT PRIMARY KEY, used INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (
    key TEXT, ticket TEXT, amount INTEGER NOT NULL, expires REAL NOT NULL, PRIMARY KEY (key, ticket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (ticket TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    key TEXT, slot INTEGER, amount INTEGER NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, slot)
) WITHOUT ROWID;
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
    """State in an SQLite file in WAL mode: any number of processes read it, one at a time writes.

    Args:
        path: The file; made if it does not exist, with its directory.
        max_bytes: Bound on all values kept by `set`; the oldest go first.
    """

    instant = False

    def __init__(self, path: str, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._changes = 0
        self._busy_timeout = BUSY_TIMEOUT

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Set aside all of *holds* and take all of *takes*, or nothing."""
        with self._writing(now) as db:
            for index, hold in enumerate(holds):
                ledger = _ledger(db, hold.key, now)
                if hold.limit is not None and ledger.used + ledger.held + hold.amount > hold.limit:
                    return Refusal(index, ledger.used, ledger.held)
            wait = max((_wait(db, take, now) for take in takes), default=0.0)
            if wait:
                return Refusal(None, wait=wait)
            db.executemany(
                "INSERT OR IGNORE INTO holds VALUES (?, ?, ?, ?)",
                [(hold.key, ticket, hold.amount, expires) for hold in holds],
            )
            _add_to_windows(db, [Change(take.key, take.amount, take.window, now) for take in takes])
            return None

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Give back what *ticket* holds and count what was used, once."""
        with self._writing(now) as db:
            fresh = db.execute(
                "INSERT OR IGNORE INTO settled VALUES (?, ?)", (ticket, now + SETTLED_FOR)
            ).rowcount
            if fresh:
                keys = [(spend.key, ticket) for spend in spends]
                db.executemany("DELETE FROM holds WHERE key = ? AND ticket = ?", keys)
                db.executemany(
                    "INSERT INTO ledgers VALUES (:key, :amount, :until) ON CONFLICT (key) DO UPDATE SET until = :until,"
                    " used = :amount + CASE WHEN until > :now THEN used ELSE 0 END",
                    [
                        {"key": spend.key, "amount": spend.amount, "until": spend.until, "now": now}
                        for spend in spends
                    ],
                )
                _add_to_windows(db, changes)
                if tally is not None:
                    _add_to_sums(db, tally)
            return [_ledger(db, spend.key, now) for spend in spends]

    def ledger(self, key: str, now: float) -> Ledger:
        """Read a ledger."""
        with self._reading() as db:
            return _ledger(db, key, now)

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Read the sums of the periods from *first* to *last*."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        with self._reading() as db:
            for period, key, name, amount in db.execute(
                "SELECT period, key, name, amount FROM sums WHERE period BETWEEN ? AND ?", (first, last)
            ):
                found.setdefault(period, {}).setdefault(key, {})[name] = amount
        return {period: dict(keys) for period, keys in found.items()}

    def get(self, key: str, now: float) -> bytes | None:
        """Read a value, unless it has expired."""
        with self._reading() as db:
            row = db.execute("SELECT value FROM kept WHERE key = ? AND expires > ?", (key, now)).fetchone()
        return None if row is None else bytes(row[0])

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until there is no room."""
        with self._writing(now) as db:
            db.execute("DELETE FROM kept WHERE key = ?", (key,))
            if len(value) > self._max_bytes:
                return
            db.execute("INSERT INTO kept (key, value, expires) VALUES (?, ?, ?)", (key, value, expires))
            while db.execute("SELECT bytes FROM size").fetchone()[0] > self._max_bytes:
                db.execute("DELETE FROM kept WHERE number = (SELECT min(number) FROM kept)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._pid == os.getpid():
                connection.close()

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._held():
            try:
                yield self._open()
            except sqlite3.Error as error:
                raise self._failure(error) from error

    @contextmanager
    def _writing(self, now: float) -> Generator[sqlite3.Connection]:
        with self._held():
            try:
                db = self._open()
                db.execute("BEGIN IMMEDIATE")  # a transaction that reads first must not find itself outdated
                try:
                    yield db
                    self._sweep(db, now)
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._failure(error) from error

    @contextmanager
    def _held(self) -> Generator[None]:
        """Hold the lock, which other threads may hold for as long as they wait for other processes."""
        if not self._lock.acquire(timeout=at_most(threading.TIMEOUT_MAX)):
            raise StoreError(f"The store sqlite:///{self._path} is busy.")
        try:
            yield
        finally:
            self._lock.release()

    def _open(self) -> sqlite3.Connection:
        """Give this process's connection, ready to wait for other writers as long as the caller may."""
        db = self._connected()
        timeout = at_most(BUSY_TIMEOUT)
        if timeout != self._busy_timeout:
            db.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
            self._busy_timeout = timeout
        return db

    def _connected(self) -> sqlite3.Connection:
        """Give this process's connection; one that came through a fork is left alone, closing it would harm."""
        if self._connection is not None:
            if self._pid == os.getpid():
                return self._connection
            _inherited.append(self._connection)
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failure(error) from error
        db = sqlite3.connect(
            self._path,
            timeout=at_most(BUSY_TIMEOUT),
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        try:
            _use_wal(db)
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        self._connection, self._pid = db, os.getpid()
        self._busy_timeout = -1.0  # which differs from any, so that it is set
        return db

    def _sweep(self, db: sqlite3.Connection, now: float) -> None:
        """Forget what has ended, once in a while."""
        self._changes += 1
        if self._changes % _SWEEP_EVERY:
            return
        db.execute("DELETE FROM holds WHERE expires <= ?", (now,))
        for table in ("ledgers", "settled", "slots", "sums"):
            db.execute(f"DELETE FROM {table} WHERE until <= ?", (now,))  # noqa: S608 - the names are above
        db.execute("DELETE FROM kept WHERE expires <= ?", (now,))

    def _failure(self, error: Exception) -> StoreError:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return StoreError(f"The store sqlite:///{self._path} failed: {error} ({type(error).__name__}).")


def _use_wal(db: sqlite3.Connection) -> None:
    """Choose the journal; where others do the same at this moment, SQLite gives up at once, whatever the timeout."""
    give_up = time.monotonic() + at_most(BUSY_TIMEOUT)
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return


def _ledger(db: sqlite3.Connection, key: str, now: float) -> Ledger:
    used, held = db.execute(
        "SELECT coalesce((SELECT used FROM ledgers WHERE key = :key AND until > :now), 0),"
        " coalesce((SELECT sum(amount) FROM holds WHERE key = :key AND expires > :now), 0)",
        {"key": key, "now": now},
    ).fetchone()
    return Ledger(used, held)


def _wait(db: sqlite3.Connection, take: Take, now: float) -> float:
    """Give the seconds until there is room for a take, 0 where there is."""
    width = take.window / SLOTS
    slots: list[tuple[int, int]] = db.execute(
        "SELECT slot, amount FROM slots WHERE key = ? AND slot >= ? ORDER BY slot",
        (take.key, int(now / width) - SLOTS),
    ).fetchall()
    over = sum(amount for _, amount in slots) + take.amount - take.limit
    return seconds_until_room(slots, over, width, now) if over > 0 else 0.0


def _add_to_windows(db: sqlite3.Connection, changes: Sequence[Change]) -> None:
    db.executemany(
        "INSERT INTO slots VALUES (?, ?, ?, ?)"
        " ON CONFLICT (key, slot) DO UPDATE SET amount = amount + excluded.amount",
        [
            (
                change.key,
                int(change.at / (change.window / SLOTS)),
                change.amount,
                change.at + 2 * change.window,
            )
            for change in changes
        ],
    )


def _add_to_sums(db: sqlite3.Connection, tally: Tally) -> None:
    db.executemany(
        "INSERT INTO sums VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (period, key, name) DO UPDATE SET amount = amount + excluded.amount",
        [(tally.period, tally.key, name, amount, tally.until) for name, amount in tally.amounts.items()],
    )
