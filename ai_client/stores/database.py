"""State in a database that an application has anyway, over connections that the application's framework opens."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, TypeVar, cast

from .._fork import PerProcess
from .._io.deadline import at_most, is_out_of_time
from ..errors import StoreError
from .base import DEFAULT_MAX_BYTES
from .sql import SqlBackend
from .sql_connections import SqlConnections
from .sql_dialects import Dialect
from .sql_totals import LISTED
from .sql_windows import Database, Rows

T = TypeVar("T")
_SWEEP_EVERY = 2048
_TRIM_EVERY = 32
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.05
_ENDED = {
    "reservations": "expires <= ? AND counted_until <= ?",
    "ledgers": "until <= ?",
    "places": "until <= ?",
    "slots": "until <= ?",
    "sums": f"until <= ? AND {LISTED}",
    "tickets": "until <= ?",
    "kept": "expires <= ?",
    "log_entries": "until <= ?",
    "log_contents": "until <= ?",
}


class _Adapted:
    """A connection of a driver as `Database`.

    Where the database is in another process, statements that return nothing wait for the next one that returns
    something, and are sent with it.
    """

    def __init__(self, connection: Any, dialect: Dialect, prefix: str) -> None:
        self._connection = connection
        self._dialect = dialect
        self._prefix = prefix
        self._waiting: list[tuple[str, Sequence[Any]]] = []

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement, after those that wait."""
        cursor: Any = self._connection.cursor()
        together = [*self._waiting, (statement, parameters)]
        self._waiting.clear()
        text = "; ".join([self._dialect.translated(one, self._prefix) for one, _ in together])
        cursor.execute(text, [value for _, values in together for value in values])
        if len(together) > 1 and hasattr(self._connection, "pgconn"):  # psycopg2 has the last result only
            while cursor.nextset():
                pass
        return cast("Rows", cursor)

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> None:
        """Run a statement that returns nothing for each of several sets of parameters, before the next `execute`."""
        self._waiting += [(statement, one) for one in parameters]
        if not self._dialect.batches:
            waiting, self._waiting = self._waiting, []
            for one, values in waiting:
                self.execute(one, values)

    def begin(self, statements: str) -> None:
        """Begin a transaction."""
        self.executemany(statements, [()])


class DatabaseBackend(SqlBackend):
    """State in tables of SQLite or PostgreSQL that somebody else has created.

    Each operation is a transaction of its own, over connections that nobody else uses: it neither joins a transaction
    of the application nor waits for its end, unless that writes to the same SQLite file.

    Args:
        connect: Opens a connection of the driver (`sqlite3`, `psycopg` or `psycopg2`) in autocommit mode.
        dialect: The database's dialect.
        name: What messages call the store.
        prefix: How the names of the tables begin.
        keeps: Returns whether connections are kept open between operations.
        max_bytes: Bound on all values kept by `set`; the oldest are evicted first.
        remedy: What to do where the tables are missing.
    """

    instant = False

    def __init__(
        self,
        connect: Callable[[], Any],
        dialect: Dialect,
        *,
        name: str,
        prefix: str = "",
        keeps: Callable[[], bool] = lambda: True,
        max_bytes: int = DEFAULT_MAX_BYTES,
        remedy: str = "Create them.",
    ) -> None:
        self.place = name, prefix
        self._connections = SqlConnections(connect, dialect)
        self._dialect = dialect
        self._name = name
        self._prefix = prefix
        self._keeps = keeps
        self._max_bytes = max_bytes
        self._remedy = remedy
        self._changes = PerProcess(count)
        self._sets = PerProcess(count)

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until it is evicted for lack of room."""
        if len(value) > self._max_bytes:
            self._read(lambda db: db.execute("DELETE FROM kept WHERE key = ?", (key,)))
            return
        self._sweep_sometimes(now)
        self._read(
            lambda db: db.execute(
                "INSERT INTO kept (key, value, expires) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                " value = excluded.value, expires = excluded.expires",
                (key, value, expires),
            )
        )
        if next(self._sets()) % _TRIM_EVERY == 0:
            self._read(self._trim)

    def close(self) -> None:
        """Close the connections that no thread is using; later use opens new ones."""
        self._connections.close()

    def _read(self, work: Callable[[Database], T]) -> T:
        return self._run(lambda connection: work(self._adapted(connection)))

    def _write(self, work: Callable[[Database], T], now: float, keys: Iterable[str]) -> T:
        self._sweep_sometimes(now)

        def write(connection: Any) -> T:
            db = self._adapted(connection)
            db.begin(self._dialect.begin(keys, at_most(self._dialect.seconds)))
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                connection.cursor().execute("ROLLBACK")
                raise
            return result

        return self._run(write)

    def _adapted(self, connection: Any) -> _Adapted:
        return _Adapted(connection, self._dialect, self._prefix)

    def _run(self, attempt: Callable[[Any], T]) -> T:
        """Try again with a new connection where one from before has failed, and where other transactions were first.

        Whatever was done before it failed, doing it again counts nothing twice.
        """
        give_up = time.monotonic() + at_most(self._dialect.seconds)
        pause = _FIRST_PAUSE
        while True:
            is_old = False
            try:
                connection, is_old = self._connections.take()
                return self._with(connection, attempt)
            except StoreError:
                raise
            except Exception as error:
                again = self._dialect.may_retry(error)
                if not again and is_old:
                    self._connections.close()  # the others have failed too where the server was restarted
                if not (again or is_old) or time.monotonic() > give_up or is_out_of_time():
                    raise self._failure(error) from error
            time.sleep(min(pause, max(0.0, give_up - time.monotonic())))
            pause = min(2 * pause, _LAST_PAUSE)

    def _with(self, connection: Any, attempt: Callable[[Any], T]) -> T:
        """Run *attempt* with a connection, and keep that unless it may be in an unknown state."""
        works = False
        try:
            with self._dialect.working(connection, max(at_most(self._dialect.seconds), _FIRST_PAUSE)):
                result = attempt(connection)
            works = self._keeps()
        except Exception as error:
            works = self._dialect.may_retry(error) and self._keeps()
            raise
        finally:
            self._connections.give_back(connection, keep=works)
        return result

    def _failure(self, error: Exception) -> StoreError:
        if self._dialect.lacks_tables(error):
            return StoreError(f"The store {self._name} has no tables in its database. {self._remedy}")
        reason = (
            f": {error}" if isinstance(error, RuntimeError) else ""
        )  # others may quote what was to be written
        return StoreError(f"The store {self._name} failed ({type(error).__name__}){reason}.")

    def _sweep_sometimes(self, now: float) -> None:
        """Delete what has expired, before the first and every `_SWEEP_EVERY`th change."""
        if next(self._changes()) % _SWEEP_EVERY:
            return
        for table, condition in _ENDED.items():
            self._sweep(self._dialect.sweeps.format(table=table, condition=condition), now)

    def _sweep(self, statement: str, now: float) -> None:
        self._read(lambda db: db.execute(statement, [now] * statement.count("?")))

    def _trim(self, db: Database) -> None:
        """Evict the oldest values beyond the bound."""
        (size,) = db.execute("SELECT coalesce(sum(length(value)), 0) FROM kept").fetchone()
        over = int(size) - self._max_bytes
        while over > 0:
            oldest = db.execute("SELECT number, length(value) FROM kept ORDER BY number LIMIT 100").fetchall()
            last = 0
            for number, freed in oldest:
                if over > 0:
                    last, over = number, over - int(freed)
            if not last:
                return
            db.execute("DELETE FROM kept WHERE number <= ?", (last,))
