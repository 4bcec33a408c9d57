"""Logs in the tables `log_entries` and `log_contents` of SQL."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from .log import ALIKE, MARKS, LogEntry, LogQuery, LogState
from .sql_windows import Database

T = TypeVar("T")
_COLUMNS = ("name", "entry", "at", *MARKS, "left_out", "summary", "until")
_ADD = (
    f"INSERT INTO log_entries ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
    " ON CONFLICT (name, entry) DO NOTHING"
)
_TABLES = ("log_entries", "log_contents")
LOG_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS log_entries (
    name TEXT, entry TEXT, at REAL NOT NULL, {", ".join(f"{mark} TEXT NOT NULL" for mark in MARKS)},
    left_out INTEGER NOT NULL, summary BLOB NOT NULL, until REAL NOT NULL, PRIMARY KEY (name, entry)
);
{"".join(f"CREATE INDEX IF NOT EXISTS log_by_{mark} ON log_entries (name, {mark}, entry);" for mark in MARKS)}
CREATE TABLE IF NOT EXISTS log_contents (
    name TEXT, entry TEXT, content BLOB NOT NULL, until REAL NOT NULL, PRIMARY KEY (name, entry)
);
"""
"""The tables for SQLite."""


class SqlLogs:
    """Logs over statements of SQL, a part of `SqlBackend`."""

    def _read(self, work: Callable[[Database], T]) -> T:
        raise NotImplementedError

    def _write(self, work: Callable[[Database], T], now: float, keys: Iterable[str]) -> T:
        raise NotImplementedError

    def append_log(
        self, name: str, entries: Sequence[LogEntry], keep: int, oldest: str, until: float
    ) -> None:
        """Add entries to a log, and drop the oldest."""
        rows = [
            (name, one.id, one.at, *(one.marks[mark] for mark in MARKS), one.left_out, one.summary, until)
            for one in entries
        ]
        contents = [(name, one.id, one.content, until) for one in entries if one.content is not None]

        def append(db: Database) -> None:
            db.executemany(_ADD, rows)
            if contents:
                db.executemany(
                    "INSERT INTO log_contents (name, entry, content, until) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (name, entry) DO NOTHING",
                    contents,
                )
            row = db.execute(
                "SELECT entry FROM log_entries WHERE name = ? ORDER BY entry DESC LIMIT 1 OFFSET ?",
                (name, keep),
            ).fetchone()
            for table in _TABLES:
                db.execute(f"DELETE FROM {table} WHERE name = ? AND entry < ?", (name, oldest))  # noqa: S608
                if row is not None:
                    db.execute(f"DELETE FROM {table} WHERE name = ? AND entry <= ?", (name, row[0]))  # noqa: S608

        self._write(append, time.time(), [f"log|{name}"])

    def read_log(self, name: str, query: LogQuery) -> list[bytes]:
        """Return the summaries of entries, the largest id first."""
        conditions = ["name = ?", "entry > ?", "left_out = 0"]
        values: list[Any] = [name, query.after]
        bounds: list[tuple[str, Any]] = [
            ("entry < ?", query.before),
            ("entry = ?", query.id),
            ("at >= ?", query.since),
            ("at < ?", query.until),
        ]
        for condition, bound in bounds:
            if bound is not None:
                conditions.append(condition)
                values.append(bound)
        for mark, value in query.marks.items():
            names = ALIKE.get(mark, (mark,))
            conditions.append(f"({' OR '.join(f'{one} = ?' for one in names)})")
            values += [value] * len(names)
        statement = (
            f"SELECT summary FROM log_entries WHERE {' AND '.join(conditions)} ORDER BY entry DESC LIMIT ?"  # noqa: S608
        )
        rows: list[Any] = self._read(lambda db: db.execute(statement, (*values, query.limit)).fetchall())
        return [bytes(row[0]) for row in rows]

    def log_content(self, name: str, id: str) -> bytes | None:  # noqa: A002 - the name of the attribute
        """Return the content of an entry."""
        row: Any = self._read(
            lambda db: db.execute(
                "SELECT content FROM log_contents WHERE name = ? AND entry = ?", (name, id)
            ).fetchone()
        )
        return None if row is None else bytes(row[0])

    def log_state(self, name: str, after: str) -> LogState:
        """Return how much a log holds."""
        kept, left_out, oldest = self._read(
            lambda db: db.execute(
                "SELECT count(*) FILTER (WHERE left_out = 0), coalesce(sum(left_out), 0),"
                " (SELECT at FROM log_entries WHERE name = ? AND entry > ? ORDER BY entry LIMIT 1)"
                " FROM log_entries WHERE name = ? AND entry > ?",
                (name, after, name, after),
            ).fetchone()
        )
        return LogState(int(kept), oldest, int(left_out))
