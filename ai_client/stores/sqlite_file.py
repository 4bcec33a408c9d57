"""An SQLite file in one process: one connection, waiting for other writers, and safety across forks."""

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
"""Seconds to wait for writers in other processes."""
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.05
_PRIVATE = 0o600


class _TrackedConnection(sqlite3.Connection):
    """A connection that supports weak references, which `sqlite3.Connection` does not."""


def _leave(parents: "WeakSet[_TrackedConnection]") -> "WeakSet[_TrackedConnection]":
    """Close the connections that a fork copied from the parent, so that SQLite in the child forgets their locks.

    It would take the parent's locks for its own and not request them, so that the next process to close the
    file would delete the log that this one writes to. Where the fork came while a thread of the parent was
    inside SQLite, closing is not safe and the file cannot be used in the child.
    """
    if not _inside.was_cut:
        for connection in list(parents):
            connection.close()
    return WeakSet()


_inside = Uncut()
_opening = PerProcess(threading.Lock)
_connections: PerProcess["WeakSet[_TrackedConnection]"] = PerProcess(WeakSet, _leave)


class _OpenFile:
    """The state of a file in one process."""

    __slots__ = ("connection", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: _TrackedConnection | None = None

    def disconnect(self) -> None:
        """Close the connection, even in the middle of a transaction."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


class SqliteFile:
    """A file in WAL mode, and this process's one connection to it.

    Args:
        path: The file; created if missing, with its directory, readable by its owner only.
        schema: SQL to run in a new file.
        last: The last object that the schema creates; a file without it is new.
    """

    def __init__(self, path: str, schema: str, last: str) -> None:
        self._path = path
        self._schema = schema
        self._last = last
        self._here = PerProcess(_OpenFile)

    def read(self, work: Work[T]) -> T:
        """Run *work*, which only reads.

        Raises:
            StoreError: The file stayed locked, or the operation failed.
        """
        return self._run(lambda here: work(self._connected(here)))

    def write(self, work: Work[T]) -> T:
        """Run *work* in a transaction: all of it takes effect, or nothing.

        Raises:
            StoreError: The file stayed locked, or the operation failed.
        """
        return self._run(lambda here: self._write(here, work))

    def close(self) -> None:
        """Close the file; later use opens it again."""
        here = self._here()
        with here.lock, _inside():
            here.disconnect()

    def _run(self, attempt: Callable[[_OpenFile], T]) -> T:
        """Retry *attempt* while other processes lock the file.

        The waiting happens here and not inside SQLite, where a fork would be unsafe.
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
                    if not is_busy(error) or time.monotonic() > give_up:
                        with _inside():
                            here.disconnect()
                        raise StoreError(
                            f"The store sqlite:///{self._path} failed: {error} ({type(error).__name__})."
                        ) from error
                time.sleep(min(pause, max(0.0, give_up - time.monotonic())))
                pause = min(2 * pause, _LAST_PAUSE)

    @contextmanager
    def _held(self, here: _OpenFile) -> Generator[None]:
        """Hold this process's lock; another thread may hold it as long as it waits for other processes."""
        if not here.lock.acquire(timeout=at_most(threading.TIMEOUT_MAX)):
            raise StoreError(f"The store sqlite:///{self._path} is busy.")
        try:
            yield
        finally:
            here.lock.release()

    def _write(self, here: _OpenFile, work: Work[T]) -> T:
        db = self._connected(here)
        db.execute(
            "BEGIN IMMEDIATE"
        )  # a transaction that starts with a read could fail to upgrade to a write
        try:
            result = work(db)
            db.execute("COMMIT")
        except BaseException:
            try:
                if db.in_transaction:
                    db.execute("ROLLBACK")
            except sqlite3.Error:  # closing rolls back too; the first error is the one to raise
                here.disconnect()
            raise
        return result

    def _connected(self, here: _OpenFile) -> sqlite3.Connection:
        if _inside.was_cut:
            raise StoreError(
                f"The store sqlite:///{self._path} cannot be used in this process, which was forked while a thread"
                " was using it. Fork before making calls, or start the process anew."
            )
        if here.connection is None:
            here.connection = self._connect()
        return here.connection

    def _connect(self) -> _TrackedConnection:
        path = Path(self._path)
        with _opening():  # POSIX: closing any descriptor of a file drops all locks that the process has on it
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
                factory=_TrackedConnection,
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


def is_busy(error: Exception) -> bool:
    """Return whether other processes lock the file, so that retrying may help."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
