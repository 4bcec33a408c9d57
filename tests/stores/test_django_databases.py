"""What is particular about state in a Django project's own database."""

import asyncio
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections, transaction

from ai_client import ConfigError, StoreError, _fork
from ai_client.stores import Hold, Ledger, Spend, Take, open_store
from ai_client.stores.database import DatabaseBackend
from ai_client.stores.sql_dialects import PostgresDialect, SqliteDialect
from ai_client_django.store import checks, opening
from tests.support import django_databases
from tests.support.forks import in_child
from tests.support.postgres import Postgres, running_postgres

NOW = 1_800_000_000.0
DAY = NOW + 86_400


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the address of a store in each kind of database."""
    return str(request.getfixturevalue(f"a_django_{request.param}"))


@pytest.fixture
def backend(url: str) -> Iterator[DatabaseBackend]:
    """Yield its backend."""
    backend = open_store(url).backend
    assert isinstance(backend, DatabaseBackend)
    yield backend
    backend.close()


def test_a_rollback_of_the_application_undoes_no_spend(backend: DatabaseBackend, url: str) -> None:
    """What is counted within a transaction of the application is seen by others at once, and stays if that fails."""

    def request() -> None:
        with transaction.atomic(using=opening.alias_of(url)):
            assert backend.admit("t", [Hold("a", 5, 10, DAY)], (), NOW, NOW + 60) is None
            backend.settle("t", [Spend("a", 3, DAY)], NOW)
            with ThreadPoolExecutor(1) as other:
                assert other.submit(backend.ledger, "a", NOW).result() == Ledger(3, 0)
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        request()
    assert backend.ledger("a", NOW) == Ledger(3, 0)


def test_a_long_transaction_holds_up_nobody(a_django_postgres: str) -> None:
    """While a request's transaction in PostgreSQL stays open after it has written, others count on the same budget."""
    backend = open_store(a_django_postgres).backend
    alias = opening.alias_of(a_django_postgres)
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE written (one int)")
        backend.settle("t1", [Spend("a", 3, DAY)], NOW)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(backend.settle, "t2", [Spend("a", 3, DAY)], NOW).result() == [Ledger(6, 0)]
    backend.close()


def test_calls_that_need_the_same_ledgers_in_another_order(backend: DatabaseBackend) -> None:
    """Threads that hold several ledgers and windows in opposite orders never lock each other out."""

    def work(turn: int) -> None:
        for number in range(25):
            names = ["a", "b", "c"] if turn % 2 else ["c", "b", "a"]
            ticket = f"{turn}-{number}"
            holds = [Hold(name, 1, None, DAY) for name in names]
            takes = [Take(name, 1, 10**6, 60.0) for name in names]
            assert backend.admit(ticket, holds, takes, NOW, NOW + 60) is None
            backend.settle(ticket, [Spend(name, 1, DAY) for name in reversed(names)], NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [backend.ledger(name, NOW) for name in "abc"] == [Ledger(100, 0)] * 3


def test_a_sync_call_in_an_event_loop(url: str) -> None:
    """A sync client that is used on an event loop, where Django opens no connection, counts all the same."""

    async def view() -> list[Ledger]:
        backend = open_store(url).backend
        try:
            return backend.settle("t", [Spend("a", 3, DAY)], NOW)
        finally:
            backend.close()

    assert asyncio.run(view()) == [Ledger(3, 0)]


def test_what_has_ended_is_deleted(
    backend: DatabaseBackend, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables do not grow by what has ended, nor by cached values beyond their bound."""
    monkeypatch.setattr("ai_client.stores.database._SWEEP_EVERY", 1)
    monkeypatch.setattr("ai_client.stores.database._TRIM_EVERY", 1)
    take = Take("w", 1, 1, 60.0, patience=600)
    backend.admit("t1", [Hold("a", 5, 10, NOW + 60)], [take], NOW, NOW + 60)
    backend.admit("waits", (), [take], NOW, NOW + 60)
    backend.settle("t2", [Spend("b", 5, NOW + 60)], NOW)
    backend.set("old", b"x", NOW + 60, NOW)
    later = open_store(f"{url}?max_bytes=100").backend
    for number in range(5):
        later.set(f"value {number}", b"x" * 40, DAY + 60, DAY)
    later.set("too large", b"x" * 101, DAY + 60, DAY)
    left: dict[str, int] = {}
    with connections[opening.alias_of(url)].cursor() as cursor:
        for table in django_databases.TABLES:
            cursor.execute(f"SELECT count(*) FROM {opening.PREFIX}{table}")  # noqa: S608 - our own tables
            left[table] = cursor.fetchone()[0]
    assert left == {**dict.fromkeys(django_databases.TABLES, 0), "kept": 2}
    assert [later.get(f"value {number}", DAY) is not None for number in range(5)] == [False] * 3 + [True] * 2
    later.close()


def test_missing_tables_are_named(tmp_path: Path, django_db_blocker: Any) -> None:
    """Where nobody ran the migrations, the error and the check say which command does."""
    options = django_databases.sqlite_options(tmp_path / "empty.db")
    with django_databases.database("empty", options), django_db_blocker.unblock():
        backend = open_store("django-db://empty").backend
        with pytest.raises(StoreError, match=r"manage\.py migrate ai_client_store --database=empty"):
            backend.settle("t", (), NOW)
        backend.close()


def test_no_password_of_a_database_is_reported(django_db_blocker: Any) -> None:
    """No frame in the traceback of a failure to connect is one of Django's or the driver's, which hold the password."""
    pytest.importorskip("psycopg")
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "/nowhere",
        "USER": "u",
        "NAME": "n",
        "PASSWORD": "s3cret",
    }
    with django_databases.database("secret", settings), django_db_blocker.unblock():
        backend = open_store("django-db://secret").backend
        with pytest.raises(StoreError) as raised:
            backend.ledger("a", NOW)
    error: BaseException | None = raised.value
    seen: list[str] = []
    while error is not None:
        assert "s3cret" not in repr(error)
        seen += [str(frame.f_globals["__name__"]) for frame, _ in walk_tb(error.__traceback__)]
        error = error.__cause__
    assert any(name.startswith("ai_client") for name in seen)
    assert not [name for name in seen if name.startswith(("django", "psycopg"))]


@pytest.mark.parametrize("app", [(), ("ai_client_store",)])
def test_migrate_is_not_kept_from_making_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any, app: tuple[str, ...]
) -> None:
    """`manage.py migrate`, which checks the database first, makes the missing tables; `check` goes on to miss them."""
    monkeypatch.setattr(checks, "handle", lambda: {"controls": {"store": "django-db://fresh"}})
    options = django_databases.sqlite_options(tmp_path / "fresh.db")
    with django_databases.database("fresh", options), django_db_blocker.unblock():
        with pytest.raises(SystemCheckError, match=r"ai_client_store\.E001"):
            call_command("check", databases=["fresh"])
        call_command("migrate", *app, database="fresh", verbosity=0, skip_checks=False)
        call_command("check", databases=["fresh"])


def test_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> None:
    """Missing tables are an error of the database checks, and requests that lock an SQLite store are a warning."""
    monkeypatch.setattr(checks, "handle", lambda: {"controls": {"store": "django-db://lite"}})
    options = {**django_databases.sqlite_options(tmp_path / "lite.db"), "ATOMIC_REQUESTS": True}
    with django_databases.database("lite", options), django_db_blocker.unblock():
        assert [found.id for found in checks.check_transactions(None)] == ["ai_client_store.W001"]
        assert [found.id for found in checks.check_tables(None, databases=["lite"])] == [
            "ai_client_store.E001"
        ]
        assert checks.check_tables(None, databases=["default"]) == []
        django_databases.migrate("lite")
        assert checks.check_tables(None, databases=["lite"]) == []
    monkeypatch.setattr(
        checks, "handle", lambda: {"a": {"controls": None}, "b": {"controls": {"store": "memory://"}}}
    )
    assert checks.check_transactions(None) == []


def test_impossible_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown alias or option, another kind of database and a missing app fail at once."""
    other = {"ENGINE": "django.db.backends.dummy"}
    lite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    with django_databases.database("analytics", lite), django_databases.database("other", other):
        for address, says in (
            ("django-db://analytic", "Did you mean 'analytics'"),
            ("django-db://analytics?max_byte=1", "max_byte: unknown option"),
            ("django-db://analytics?max_bytes=x", "positive number"),
            ("django-db://other", "needs SQLite or PostgreSQL"),
        ):
            with pytest.raises(ConfigError, match=says):
                open_store(address)
        monkeypatch.setattr(apps, "is_installed", lambda _: False)
        with pytest.raises(ConfigError, match=r"ai_client_django\.store"):
            open_store("django-db://analytics")


def test_connections_are_closed_where_tests_run(
    migrated_postgres: Postgres, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    """In a run of tests no connection stays open, so that the database of the tests can be dropped."""
    monkeypatch.setattr("django.core.mail.outbox", [], raising=False)
    with django_databases.database("postgres", migrated_postgres.settings), django_db_blocker.unblock():
        backend = open_store("django-db://postgres").backend
        assert isinstance(backend, DatabaseBackend)
        backend.settle("closing", [Spend("closing", 1, DAY)], NOW)
        assert not backend._connections._here().all


def test_the_pool_and_the_isolation_of_a_project(
    migrated_postgres: Postgres, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    """A project's pool, isolation and binding of parameters are for its own queries, and the store counts exactly."""
    django_databases.keep_connections(monkeypatch)
    options = {"isolation_level": 4, "server_side_binding": True}
    settings = {**migrated_postgres.settings, "OPTIONS": options}
    with django_databases.database("postgres", settings), django_db_blocker.unblock():
        backend = open_store("django-db://postgres").backend
        with ThreadPoolExecutor(4) as pool:
            for result in pool.map(
                lambda number: backend.settle(f"i{number}", [Spend("i", 1, DAY)], NOW), range(40)
            ):
                assert len(result) == 1
        assert backend.ledger("i", NOW) == Ledger(40, 0)
        backend.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_opens_no_file_that_a_thread_of_its_parent_was_using(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork that did not wait for a thread inside SQLite, the child's store fails before it touches SQLite."""
    monkeypatch.setattr(_fork, "HOLD", 0.01)
    opened: list[int] = []
    opening, done = threading.Event(), threading.Event()

    def connect() -> Any:
        opened.append(os.getpid())
        opening.set()
        assert done.wait(60)
        return sqlite3.connect(":memory:", check_same_thread=False)

    backend = DatabaseBackend(connect, SqliteDialect(), name="sqlite")

    def fails_at_once() -> bool:
        with pytest.raises(StoreError, match="forked"):
            backend.ledger("a", NOW)
        return os.getpid() not in opened

    def fail() -> None:
        with pytest.raises(StoreError, match="tables"):
            backend.ledger("a", NOW)

    thread = threading.Thread(target=fail)
    thread.start()
    try:
        assert opening.wait(60)
        assert in_child(fails_at_once)
    finally:
        done.set()
        thread.join()


@pytest.mark.slow
def test_a_server_that_stands_still_or_restarts(
    monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    """A server that stands still is an error in time, and one that was restarted is used as if nothing had been."""
    monkeypatch.setattr(PostgresDialect, "seconds", 1.0)
    django_databases.keep_connections(monkeypatch)
    with (
        running_postgres() as server,
        django_databases.database("still", server.settings),
        django_db_blocker.unblock(),
    ):
        django_databases.migrate("still")
        backend = open_store("django-db://still").backend
        assert backend.settle("t1", [Spend("a", 1, DAY)], NOW) == [Ledger(1, 0)]
        activity = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        frozen = [pid for (pid,) in server.ask(activity)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGSTOP)
        with pytest.raises(StoreError):
            backend.settle("t2", [Spend("a", 1, DAY)], NOW)
        for pid in (server.pid, *frozen):
            os.kill(pid, signal.SIGCONT)
        assert backend.settle("t2", [Spend("a", 1, DAY)], NOW) == [Ledger(2, 0)]
        server.stop()
        with pytest.raises(StoreError):
            backend.settle("t3", [Spend("a", 1, DAY)], NOW)
        server.start()
        assert backend.settle("t3", [Spend("a", 1, DAY)], NOW) == [Ledger(3, 0)]
        server.stop()
        server.start()
        assert backend.settle("t4", [Spend("a", 1, DAY)], NOW) == [Ledger(4, 0)]
        backend.close()
