"""Measures the operations of each kind of store and prints the table of `docs/controls/stores.md`.

`python -m tools.stores` takes some minutes. It starts servers of its own; those that are not installed are left out.
"""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from ai_client.stores import Backend, Change, Hold, Spend, Take, Tally, open_store
from tests.support import django_databases
from tests.support.policies import Redis
from tests.support.postgres import Postgres
from tests.support.redis_cluster import RedisCluster, RedisService

CALLS, ROUNDS, THREADS = 300, 5, 4
FAR = 4_000_000_000.0


def call(backend: Backend, ticket: str) -> None:
    """Do what a call with a budget, a rate and totals asks of a store: one operation before it and one after it."""
    now = time.time()
    take = Take("w", 10, 10**12, 60.0)
    backend.admit(
        ticket, [Hold("day", 10, 10**15, FAR), Hold("user", 10, 10**15, FAR)], [take], now, now + 900
    )
    spends, tally = (
        [Spend("day", 7, FAR), Spend("user", 7, FAR)],
        Tally("2027-01-15T08", "k", {"calls": 1}, FAR),
    )
    backend.settle(ticket, spends, now, [Change("w", -3, 60.0, now)], tally)


def measure(url: str) -> tuple[list[float], list[float]]:
    """Return the microseconds of an operation, and the operations per second of some threads, for each round."""
    store = open_store(url)
    tickets = count()
    alone: list[float] = []
    together: list[float] = []
    for _ in range(50):
        call(store.backend, f"warm-{next(tickets)}")
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(CALLS):
                call(store.backend, f"t{next(tickets)}")
            alone.append((time.perf_counter() - began) / CALLS / 2 * 1e6)
            began = time.perf_counter()
            names = [f"t{next(tickets)}" for _ in range(CALLS)]
            list(pool.map(lambda name: call(store.backend, name), names))
            together.append(2 * CALLS / (time.perf_counter() - began))
    store.close()
    return alone, together


@contextmanager
def started(server: Redis | RedisCluster | RedisService) -> Iterator[str]:
    """Run a server, and yield its address."""
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def project(alias: str, options: dict[str, object]) -> Iterator[str]:
    """Yield the address of the store in a database of a project."""
    with django_databases.database(alias, options):
        django_databases.migrate(alias)
        yield f"django-db://{alias}"


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """Yield the address of the store in PostgreSQL."""
    directory.chmod(0o755)
    server = Postgres(directory)
    server.create()
    server.start()
    try:
        with project("pg", server.settings) as url:
            yield url
    finally:
        server.stop()


def main() -> None:
    """Measure each kind, and print a row for it."""
    django_databases.load_site()
    with ExitStack() as stack:

        def place(name: str) -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"ai-client-{name}-")))

        kinds: dict[str, Callable[[], str]] = {
            "memory": lambda: "memory://",
            "SQLite file": lambda: f"sqlite:///{place('lite')}/s.db",
            "Redis": lambda: stack.enter_context(started(Redis(place("redis")))),
            "Redis cluster": lambda: stack.enter_context(started(RedisCluster(place("cluster")))),
            "Redis behind a sentinel": lambda: stack.enter_context(started(RedisService(place("service")))),
            "Django, SQLite (WAL)": lambda: stack.enter_context(
                project("lite", django_databases.sqlite_options(place("django") / "d.db"))
            ),
            "Django, SQLite (its default journal)": lambda: stack.enter_context(
                project("slow", {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{place('journal')}/d.db"})
            ),
            "Django, PostgreSQL": lambda: stack.enter_context(postgres(place("pg"))),
        }
        print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}\n")
        print(
            f"| Store | microseconds per operation | operations per second, {THREADS} threads |\n| --- | --- | --- |"
        )
        for name, url in kinds.items():
            alone, together = measure(url())
            took = f"{statistics.median(alone):,.0f} ({min(alone):,.0f} to {max(alone):,.0f})"
            rate = f"{statistics.median(together):,.0f} ({min(together):,.0f} to {max(together):,.0f})"
            print(f"| {name} | {took} | {rate} |", flush=True)


if __name__ == "__main__":
    main()
