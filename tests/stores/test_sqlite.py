"""What is particular about state in an SQLite file."""

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ai_client import StoreError
from ai_client._io.deadline import limited
from ai_client.stores import Change, Hold, Ledger, Spend, Take, Tally, sqlite_file
from ai_client.stores.sqlite import SqliteBackend
from tests.support.forks import in_child, unannounced

NOW = 1_800_000_000.0
DAY = NOW + 86_400


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    """Yield a backend over a new file."""
    backend = SqliteBackend(f"{tmp_path}/state.db")
    yield backend
    backend.close()


def test_a_file_that_others_are_opening_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new file that another process has locked is opened as soon as that lets go of it."""
    path = tmp_path / "state.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            other.execute("COMMIT")
            other.close()

    monkeypatch.setattr(sqlite_file, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    backend = SqliteBackend(str(path))
    assert backend.ledger("a", 0.0) == Ledger()
    assert len(pauses) == 3
    backend.close()


def test_a_file_that_cannot_be_opened_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is a directory is an error without waiting."""
    waiting = SimpleNamespace(sleep=lambda _: pytest.fail("it waited"), monotonic=time.monotonic)
    monkeypatch.setattr(sqlite_file, "time", waiting)
    with pytest.raises(StoreError, match="unable to open"):
        SqliteBackend(str(tmp_path)).ledger("a", 0.0)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Nobody else may read or write the file and what SQLite keeps beside it, whatever is masked for other files."""
    mask = os.umask(0)
    try:
        backend = SqliteBackend(f"{tmp_path}/deep/state.db")
        backend.set("a", b"value", DAY, NOW)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.joinpath("deep").iterdir()}
        backend.close()
    finally:
        os.umask(mask)
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), 0o600)


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    """Who may use a file that somebody made is not changed, for others may share it."""
    path = tmp_path / "state.db"
    path.touch(0o640)
    backend = SqliteBackend(str(path))
    backend.ledger("a", NOW)
    backend.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def other_writes(path: Path) -> None:
    """Write as another process would, without any patience."""
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    other.close()


def test_a_full_disk_leaves_the_store_usable(backend: SqliteBackend, tmp_path: Path) -> None:
    """What does not fit is not kept at all; what was kept stays, and what fits is kept again."""
    backend.settle("t1", [Spend("a", 5, DAY)], NOW)
    db = backend._file._here().connection
    assert db is not None
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="full"):
        backend.set("large", bytes(200_000), DAY, NOW)
    other_writes(tmp_path / "state.db")
    assert backend.get("large", NOW) is None
    assert backend.ledger("a", NOW) == Ledger(5, 0)
    assert backend.settle("t2", [Spend("a", 1, DAY)], NOW) == [Ledger(6, 0)]


def test_closing_leaves_no_file_open(backend: SqliteBackend, tmp_path: Path) -> None:
    """A store that is closed has no descriptor of its files, and neither has one that failed."""

    def opened() -> list[str]:
        files: list[str] = []
        for descriptor in list(Path("/proc/self/fd").iterdir()):
            with contextlib.suppress(FileNotFoundError):
                files.append(str(descriptor.readlink()))
        return [file for file in files if file.startswith(str(tmp_path))]

    for _ in range(3):
        backend.set("key", b"x", DAY, NOW)
        assert opened()
        backend.close()
        assert not opened()
    Path(backend._file._path).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        backend.get("key", NOW)
    assert not opened()


class Interrupt:
    """Interrupts a thread in a statement, and may fail what then puts the transaction back."""

    def __init__(self, patch: pytest.MonkeyPatch, word: str, error: BaseException, *, stuck: bool) -> None:
        execute = sqlite_file._TrackedConnection.execute
        self.done = False

        def failing(connection: Any, statement: str, *args: Any) -> Any:
            if statement.startswith(word) and not self.done:
                self.done = True
                raise error
            if statement == "ROLLBACK" and stuck:
                raise sqlite3.OperationalError("disk I/O error")
            return execute(connection, statement, *args)

        patch.setattr(sqlite_file._TrackedConnection, "execute", failing)


_ERRORS = (KeyboardInterrupt(), MemoryError(), sqlite3.OperationalError("disk I/O error"))


@pytest.mark.parametrize("stuck", [False, True])
@pytest.mark.parametrize(
    ("word", "error"),
    [(word, error) for word in ("INSERT INTO tickets", "SELECT", "COMMIT") for error in _ERRORS],
)
def test_what_fails_inside_a_transaction_leaves_the_store_usable(
    backend: SqliteBackend, monkeypatch: pytest.MonkeyPatch, word: str, error: BaseException, stuck: bool
) -> None:
    """A transaction that breaks off counts nothing, keeps nobody out, and can be begun again."""
    backend.admit("t1", [Hold("a", 5, 10, DAY)], (), NOW, NOW + 60)
    interrupt = Interrupt(monkeypatch, word, error, stuck=stuck)
    with pytest.raises(StoreError if isinstance(error, sqlite3.Error) else type(error)):
        backend.settle("t1", [Spend("a", 3, DAY)], NOW)
    assert interrupt.done
    monkeypatch.undo()
    other_writes(Path(backend._file._path))
    found: list[Ledger] = []
    thread = threading.Thread(target=lambda: found.append(backend.ledger("a", NOW)), daemon=True)
    thread.start()
    thread.join(60)
    assert found == [Ledger(0, 5)]
    assert backend.settle("t1", [Spend("a", 3, DAY)], NOW) == [Ledger(3, 0)]


def test_what_has_ended_is_swept_by_processes_that_write_little(
    backend: SqliteBackend, tmp_path: Path
) -> None:
    """The first change that a process makes forgets what has ended, so that the file does not grow by their number."""
    backend.admit("t1", [Hold("a", 5, 10, NOW + 60)], (), NOW, NOW + 60)
    tally = Tally("p", "k", {"calls": 1}, NOW + 60)
    backend.settle("t2", [Spend("b", 5, NOW + 60)], NOW, [Change("w", 1, 60.0, NOW)], tally)
    backend.set("value", b"old", NOW + 60, NOW)
    later = SqliteBackend(f"{tmp_path}/state.db")
    later.set("fresh", b"new", DAY + 60, DAY)
    db = sqlite3.connect(tmp_path / "state.db")
    tables = ("ledgers", "reservations", "tickets", "slots", "sums", "kept")
    left = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608
    db.close()
    later.close()
    assert left == {**dict.fromkeys(tables, 0), "kept": 1}


def test_changes_sweep_once_in_a_while(
    backend: SqliteBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that goes on to write forgets what has ended meanwhile."""
    monkeypatch.setattr("ai_client.stores.sqlite._SWEEP_EVERY", 5)
    backend.set("one", b"x", NOW + 60, NOW)
    for number in range(5):
        backend.set(f"other {number}", b"x", DAY + 60, NOW + 61)
    db = sqlite3.connect(tmp_path / "state.db")
    assert db.execute("SELECT count(*) FROM kept WHERE key = 'one'").fetchone() == (0,)
    db.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, unannounced])
def test_what_a_child_writes_outlives_its_parents_connection(tmp_path: Path, fork: Callable[[], int]) -> None:
    """What a child counts is there for others although its parent, which had the file open, closes it meanwhile."""
    backend = SqliteBackend(f"{tmp_path}/state.db")
    backend.settle("parent", [Spend("a", 1, DAY)], NOW)
    opened, closed = os.pipe(), os.pipe()

    def work() -> bool:
        backend.settle("child", [Spend("a", 2, DAY)], NOW)
        os.write(opened[1], b"x")
        os.read(closed[0], 1)
        return backend.settle("later", [Spend("a", 4, DAY)], NOW) == [Ledger(7, 0)]

    def end() -> None:
        os.read(opened[0], 1)
        backend.close()
        os.write(closed[1], b"x")

    thread = threading.Thread(target=end)
    thread.start()
    ended = in_child(work, fork)
    thread.join()
    assert ended
    assert backend.ledger("a", NOW) == Ledger(7, 0)
    backend.close()
    for end_of_pipe in (*opened, *closed):
        os.close(end_of_pipe)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_thread_that_waits_for_other_writers_holds_up_no_fork(
    backend: SqliteBackend, tmp_path: Path
) -> None:
    """While the file is locked by others a fork finds nobody in SQLite, and the child can use the store."""
    backend.ledger("a", NOW)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    thread = threading.Thread(target=backend.settle, args=("t", [Spend("a", 1, DAY)], NOW))
    thread.start()
    time.sleep(0.1)
    assert in_child(lambda: backend.ledger("a", NOW) == Ledger() and not sqlite_file._inside.was_cut)
    other.execute("COMMIT")
    other.close()
    thread.join()
    assert backend.ledger("a", NOW) == Ledger(1, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, unannounced])
def test_a_child_of_a_fork_in_the_middle_of_a_write_says_so(
    backend: SqliteBackend, monkeypatch: pytest.MonkeyPatch, fork: Callable[[], int]
) -> None:
    """Where a thread was writing at the fork the child fails at once, and the parent's transaction is whole."""
    inside, end = threading.Event(), threading.Event()
    monkeypatch.setattr("ai_client._fork.HOLD", 0.01)
    ledger = "ai_client.stores.sql._ledgers"

    def slow(*args: Any) -> list[Ledger]:
        del args
        inside.set()
        end.wait(60)
        return [Ledger()]

    monkeypatch.setattr(ledger, slow)
    thread = threading.Thread(target=backend.admit, args=("t", [Hold("a", 1, 5, DAY)], (), NOW, NOW + 60))
    thread.start()
    inside.wait(60)

    def work() -> bool:
        monkeypatch.undo()
        with pytest.raises(StoreError, match="forked while a thread was using it"):
            backend.ledger("a", NOW)
        return True

    try:
        assert in_child(work, fork)
    finally:
        end.set()
        thread.join()
    monkeypatch.undo()
    assert backend.ledger("a", NOW) == Ledger(0, 1)


def test_sqlite_is_never_entered_where_a_fork_would_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done with a connection, also after a failure and while others write, a fork waits for it."""
    outside: list[str] = []

    def watched(name: str) -> Callable[..., Any]:
        def method(self: sqlite3.Connection, *args: Any) -> Any:
            if not sqlite_file._inside._work().under_way:
                outside.append(name)
            return getattr(sqlite3.Connection, name)(self, *args)

        return method

    names = ("close", "execute", "executemany", "executescript")
    kind = type("Watched", (sqlite_file._TrackedConnection,), {name: watched(name) for name in names})
    monkeypatch.setattr(sqlite_file, "_TrackedConnection", kind)
    backend = SqliteBackend(str(tmp_path / "store.db"))
    assert backend.admit("t", [Hold("a", 1, 5, DAY)], [Take("w", 1, 5, 60.0)], NOW, NOW + 60) is None
    backend.settle("t", [Spend("a", 1, DAY)], NOW, (), Tally("p", "k", {"calls": 1}, DAY))
    backend.set("key", b"value", DAY, NOW)
    assert (backend.ledger("a", NOW), backend.get("key", NOW)) == (Ledger(1, 0), b"value")
    assert backend.sums("p", "p")
    with pytest.raises(StoreError):
        backend._file.write(lambda db: db.execute("SELECT nothing"))
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with limited(time.monotonic() + 0.05), pytest.raises(StoreError):
        backend.set("key", b"more", DAY, NOW)
    other.close()
    backend.set("key", b"more", DAY, NOW)
    backend.close()
    assert not outside


def test_a_file_without_all_tables_gets_the_missing_ones(tmp_path: Path) -> None:
    """A file that has only some of the tables, and others besides, keeps what it has counted and is usable."""
    path = tmp_path / "s.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE holds (key TEXT, ticket TEXT, PRIMARY KEY (key, ticket))")
        db.execute(
            "CREATE TABLE ledgers (key TEXT PRIMARY KEY, used INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID"
        )
        db.execute("INSERT INTO ledgers VALUES ('a', 5, ?)", (DAY,))
        db.commit()
    backend = SqliteBackend(str(path))
    assert backend.admit("t", [Hold("a", 1, 6, DAY)], (), NOW, NOW + 60) is None
    assert backend.ledger("a", NOW) == Ledger(5, 1)
    backend.close()
