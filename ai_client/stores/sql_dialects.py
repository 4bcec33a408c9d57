"""How transactions begin in SQLite and PostgreSQL, what their errors mean, and how long they may wait."""

import os
import re
import socket
import threading
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol

from .._fork import Uncut
from ..errors import StoreError
from .sqlite_file import BUSY_TIMEOUT, is_busy

_TABLES = re.compile(r"\b(ledgers|reservations|tickets|slots|places|sums|kept|log_entries|log_contents)\b")


class Dialect(Protocol):
    """The differences between databases.

    Attributes:
        batches: Whether several statements may be sent at once.
        connections: How many a process opens at most.
        seconds: How long an operation may take, locks and connecting included.
        sweeps: The statement that deletes rows of a table by a condition, without waiting for rows that others write.
    """

    batches: bool
    connections: int
    seconds: float
    sweeps: str

    def translated(self, statement: str, prefix: str) -> str:
        """Return a statement with the names of the tables and the parameters as the driver expects them."""
        ...

    def begin(self, keys: Iterable[str], seconds: float) -> str:
        """Return what begins a transaction that no other one for the same *keys* overlaps; it waits for that."""
        ...

    def opening(self) -> AbstractContextManager[None]:
        """Return a context for opening or closing a connection."""
        ...

    def working(self, connection: Any, seconds: float) -> AbstractContextManager[None]:
        """Return a context for work with a connection, which ends after *seconds* at the latest."""
        ...

    def leave(self, connection: Any) -> None:
        """Leave a connection to the parent of this process, which was forked."""
        ...

    def may_retry(self, error: Exception) -> bool:
        """Return whether the work was in the way of another transaction, and may be tried again on the connection."""
        ...

    def lacks_tables(self, error: Exception) -> bool:
        """Return whether the tables are missing."""
        ...


class SqliteDialect:
    """SQLite: one transaction writes at a time."""

    batches = False
    connections = 1  # waiting for the lock of a file knows no turns
    seconds = BUSY_TIMEOUT
    sweeps = "DELETE FROM {table} WHERE {condition}"

    def __init__(self) -> None:
        self._inside = Uncut()

    def translated(self, statement: str, prefix: str) -> str:
        """Return a statement with the names of the tables."""
        return _prefixed(statement, prefix)

    def begin(self, keys: Iterable[str], seconds: float) -> str:
        """Return what begins a transaction that writes: one that starts with a read could fail to go on to write."""
        del keys, seconds
        return "BEGIN IMMEDIATE"

    @contextmanager
    def opening(self) -> Generator[None]:
        """Have a fork wait, as a child would wait for ever for a lock of SQLite's that a thread of its parent holds."""
        if self._inside.was_cut:
            raise StoreError(
                "The database cannot be used in this process, which was forked while a thread was using it. Fork before"
                " making calls, or start the process anew."
            )
        with self._inside():
            yield

    def working(self, connection: Any, seconds: float) -> AbstractContextManager[None]:
        """Have a fork wait, as a child cannot use a file that a thread of its parent is writing to."""
        del connection, seconds
        return self.opening()

    def leave(self, connection: Any) -> None:
        """Close it, so that SQLite does not take the locks of the parent for those of this process."""
        if not self._inside.was_cut:
            connection.close()

    def may_retry(self, error: Exception) -> bool:
        """Return whether another transaction is writing."""
        return is_busy(error)

    def lacks_tables(self, error: Exception) -> bool:
        """Return whether the tables are missing."""
        return "no such table" in str(error)


class PostgresDialect:
    """PostgreSQL: transactions for the same ledger or window wait for each other, others do not."""

    batches = True
    connections = 4
    seconds = 5.0
    sweeps = (  # at most so many at once, and none for which another transaction would have to be waited for
        "DELETE FROM {table} WHERE ctid IN"
        " (SELECT ctid FROM {table} WHERE {condition} LIMIT 10000 FOR UPDATE SKIP LOCKED)"
    )

    def translated(self, statement: str, prefix: str) -> str:
        """Return a statement with the names of the tables, and parameters as in `printf`."""
        return _prefixed(statement, prefix).replace("%", "%%").replace("?", "%s")

    def begin(self, keys: Iterable[str], seconds: float) -> str:
        """Return what begins a transaction and takes a lock for each key, in the same order as all others.

        The locks end with the transaction, so that a pooler such as PgBouncer may be in between.
        """
        milliseconds = max(1, int(seconds * 1000))
        locks = ",".join(str(lock) for lock in sorted({_lock(key) for key in keys}))
        taken = f"SELECT pg_advisory_xact_lock(one) FROM unnest(ARRAY[{locks}]::bigint[]) AS one"  # noqa: S608
        begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
        return f"{begin}; SET LOCAL statement_timeout = {milliseconds}; {taken}" if locks else begin

    def opening(self) -> AbstractContextManager[None]:
        """Do nothing: a connection is a socket of its own."""
        return nullcontext()

    def working(self, connection: Any, seconds: float) -> AbstractContextManager[None]:
        """Cut the connection off after *seconds*: a server that stands still answers no timeout of its own."""
        return _cut_off(connection.fileno(), seconds)

    def leave(self, connection: Any) -> None:
        """Do nothing: closing it would end it for the parent too."""

    def may_retry(self, error: Exception) -> bool:
        """Return whether the server ended this transaction for the sake of another one."""
        return _code(error) in {"40001", "40P01"}

    def lacks_tables(self, error: Exception) -> bool:
        """Return whether the tables are missing."""
        return _code(error) == "42P01"


@lru_cache(maxsize=256)
def _prefixed(statement: str, prefix: str) -> str:
    return _TABLES.sub(lambda found: prefix + found[0], statement)


def _lock(key: str) -> int:
    """Return the number of the lock for a ledger or window."""
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=8, person=b"ai_client").digest()
    return int.from_bytes(digest, signed=True)


def _code(error: Exception) -> str | None:
    """Return the code of an error, which the two drivers call differently."""
    code: str | None = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return code


@contextmanager
def _cut_off(descriptor: int, seconds: float) -> Generator[None]:
    lock, over = threading.Lock(), False

    def cut() -> None:
        with lock:  # the descriptor is that of the connection until the work is over
            if not over:
                with socket.socket(fileno=os.dup(descriptor)) as end:
                    end.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        timer.cancel()


DIALECTS: dict[str, type[SqliteDialect | PostgresDialect]] = {
    "sqlite": SqliteDialect,
    "postgresql": PostgresDialect,
}
"""Dialects by their names."""
