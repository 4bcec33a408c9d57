"""How long the pages of a dashboard take, and how large its store is: `python -m tools.bench dashboard`.

A month of calls of 50 endpoints, 5 models and 100 tenants, and a journal of 10,000, in a file of SQLite and in Redis.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage, PageRequest

from .measure import sample
from .months import ENDPOINTS, MODELS, TENANTS, make_calls, provider_with

NAME = "pages of the dashboard"
ROUNDS = 9
DAYS = 30
BOUND = 200_000
"""Microseconds that a page may take."""
_MONTH = "range=30d"
VIEWS: Mapping[str, tuple[str, str]] = {
    "overview of 30 days": ("", _MONTH),
    "overview of a tenant": ("", f"{_MONTH}&tenant={TENANTS[7]}"),
    "overview of an endpoint": ("", f"{_MONTH}&endpoint={ENDPOINTS[7]}"),
    "overview of a model": ("", f"{_MONTH}&model={MODELS[2]}"),
    "overview of 24 hours": ("", "range=24h"),
    "list of calls": ("calls", ""),
    "list of a tenant's calls": ("calls", f"tenant={TENANTS[7]}"),
    "list of failed calls": ("calls", "outcome=error"),
}
"""Path and query of each page."""
Place = tuple[str, Callable[[], int]]
"""The address of a store, and a function that returns its bytes."""


def name(store: str) -> str:
    """Return the name of a store's case."""
    return f"{NAME}, {store}"


def measured_case(store: str, *, quick: bool = False) -> dict[str, Any]:
    """Measure the pages over a store; print and return the figures in the form of a case's, in microseconds.

    Beside them are the store's bytes after one month and after two, of which the first is over.
    """
    days = 2 if quick else DAYS
    with STORES[store]() as (address, size):
        provider = provider_with(address, days)
        calls = make_calls(provider, days)
        times = {view: list(_times(provider, view)) for view in VIEWS}
        provider.close()
        sizes = [size()]
    passed = {view: sample([each.passed for each in rounds]) for view, rounds in times.items()}
    print(f"\n{name(store)}, after {calls} calls (us)")
    for view, figures in passed.items():
        cpu = sample([each.cpu for each in times[view]]).median
        spread = f"{figures.low:10.0f} .. {figures.high:<10.0f}"
        print(f"  {view:34}{figures.median:12.0f} {spread} CPU {cpu:10.0f}", flush=True)
    with STORES[store]() as (address, size):
        provider = provider_with(address, days)
        make_calls(provider, 2 * days)
        provider.close()
        sizes.append(size())
    print(f"  bytes after a month {sizes[0]}, and after two {sizes[1]}", flush=True)
    contenders = {view: asdict(figures) for view, figures in passed.items()}
    return {"unit": "wall", "calls": 1, "contenders": contenders, "bytes": sizes}


class Time(NamedTuple):
    """Microseconds that passed in one rendering, and those of CPU time."""

    passed: float
    cpu: float


def _times(provider: ClientProvider, view: str) -> Iterator[Time]:
    """Yield the microseconds of each rendering, after one that warms up."""
    path, query = VIEWS[view]
    page = DashboardPage(public=True)
    for number in range(ROUNDS + 1):
        began, cpu = time.perf_counter(), time.process_time()
        answer = page.answer(provider, PageRequest("GET", path, query, base="/ai"))
        took, used = time.perf_counter() - began, time.process_time() - cpu
        if answer.status != 200 or b"gpt-" not in answer.body:  # noqa: PLR2004 - HTTP
            raise RuntimeError(f"The page {view!r} is not what it should be: status {answer.status}.")
        if number:
            yield Time(round(took * 1e6, 2), used * 1e6)


@contextmanager
def _sqlite() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        yield (
            f"sqlite:///{folder / 'ai.db'}",
            lambda: sum(file.stat().st_size for file in folder.iterdir()),
        )


@contextmanager
def _redis() -> Iterator[Place]:
    from redis import Redis as Client  # noqa: PLC0415 - an extra

    from tests.support.policies import Redis  # noqa: PLC0415 - a server for as long as it is needed

    with tempfile.TemporaryDirectory() as directory:
        server = Redis(Path(directory))
        server.start()
        client = Client.from_url(server.url)
        try:
            yield server.url, lambda: int(client.info("memory")["used_memory_dataset"])
        finally:
            client.close()
            server.stop()


STORES: Mapping[str, Callable[[], AbstractContextManager[Place]]] = {"SQLite": _sqlite, "Redis": _redis}
