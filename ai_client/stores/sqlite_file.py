"""An SQLite file as one process uses it: opened, waited for, and left alone by whoever forks."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from .._fork import PerProcess, Uncut
from .._io.deadline import at_most
from ..errors import StoreError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
BUSY_TIMEOUT = 15.0
"""Seconds to wait for other writers."""
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.05
_PRIVATE = 0o600


class _Connection(sqlite3.Connection):
    """A connection that can be kept track of."""


def _leave(parents: "WeakSet[_Connection]") -> "WeakSet[_Connection]":
    """Close what came through a fork, in the middle of nothing: SQLite would take locks of the parent for its own.

    It would believe to hold them and not ask the system for them, so that the next process to close the file would
    delete the log in which this one writes. While a thread of the parent was inside of SQLite, nothing can be done.
    """
    if not _inside.was_cut:
        for connection in list(parents):
            connection.close()
    return WeakSet()


_inside = Uncut()
_opening = PerProcess(threading.Lock)
_connections: PerProcess["WeakSet[_Connection]"] = PerProcess(WeakSet, _leave)


class _Here:
    """What a process has of a file."""

    __slots__ = ("connection", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: _Connection | None = None

    def disconnect(self) -> None:
        """Close the connection, whatever is under way on it."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


class SqliteFile:
    """A file in WAL mode, and this process's one connection to it.

    Args:
        path: The file; made if it does not exist, for its owner alone, with its directory.
        schema: What to run in a new file.
        last: The last thing that the schema makes.
    """

    def __init__(self, path: str, schema: str, last: str) -> None:
        self._path = path
        self._schema = schema
        self._last = last
        self._here = PerProcess(_Here)

    def read(self, work: Work[T]) -> T:
        """Do what reads."""
        return self._run(lambda here: work(self._connected(here)))

    def write(self, work: Work[T]) -> T:
        """Do what writes, all of it or nothing."""
        return self._run(lambda here: self._write(here, work))

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        here = self._here()
        with here.lock, _inside():
            here.disconnect()

    def _run(self, attempt: Callable[[_Here], T]) -> T:
        """Try until other processes let it happen.

        What is waited for is waited for here and not inside of SQLite, where a fork must find nobody.
        """
        here = self._here()
        give_up = time.monotonic() + at_most(BUSY_TIMEOUT)
        pause = _FIRST_PAUSE
        with self._held(here):
            while True:
                try:
                    with _inside():
                        return attempt(here)
                except (sqlite3.Error, OSError) as error:
                    if not _is_busy(error) or time.monotonic() > give_up:
                        with _inside():
                            here.disconnect()
                        raise StoreError(
                            f"The store sqlite:///{self._path} failed: {error} ({type(error).__name__})."
                        ) from error
                time.sleep(min(pause, max(0.0, give_up - time.monotonic())))
                pause = min(2 * pause, _LAST_PAUSE)

    @contextmanager
    def _held(self, here: _Here) -> Generator[None]:
        """Hold the lock, which other threads may hold for as long as they wait for other processes."""
        if not here.lock.acquire(timeout=at_most(threading.TIMEOUT_MAX)):
            raise StoreError(f"The store sqlite:///{self._path} is busy.")
        try:
            yield
        finally:
            here.lock.release()

    def _write(self, here: _Here, work: Work[T]) -> T:
        db = self._connected(here)
        db.execute("BEGIN IMMEDIATE")  # a transaction that reads first must not find itself outdated
        try:
            result = work(db)
            db.execute("COMMIT")
        except BaseException:
            try:
                if db.in_transaction:
                    db.execute("ROLLBACK")
            except sqlite3.Error:  # what failed before tells more; closing rolls back too
                here.disconnect()
            raise
        return result

    def _connected(self, here: _Here) -> sqlite3.Connection:
        if _inside.was_cut:
            raise StoreError(
                f"The store sqlite:///{self._path} cannot be used in this process, which was forked while a thread"
                " was writing to it: fork before calls are made, or start the process anew."
            )
        if here.connection is None:
            here.connection = self._connect()
        return here.connection

    def _connect(self) -> _Connection:
        path = Path(self._path)
        with _opening():  # closing a descriptor of a file drops all locks that the process has on it
            _connections()
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE))
            db = sqlite3.connect(
                self._path,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=64,
                factory=_Connection,
            )
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (self._last,)).fetchone() is None:
                db.executescript(f"BEGIN IMMEDIATE; {self._schema} COMMIT;")
        except BaseException:
            db.close()
            raise
        _connections().add(db)
        return db


def _is_busy(error: Exception) -> bool:
    """Return whether others are at the file now, so that trying again may help."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
