"""Many processes spend from one store against a hostile provider, half of them are killed: the ledger is its bill."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ai_client.stores import open_store
from tests.support import django_databases
from tests.support.hostile.cells import seed
from tests.support.hostile.ledgers import answer_of, biller, ledgers_of, outcomes, spend, subjects_of
from tests.support.policies import running_redis
from tests.support.postgres import running_postgres

EXPECTED = {"answered", "cut", "hit", "BudgetExceeded"}
"""Ways to end that some call of every run has."""


class Place(NamedTuple):
    """The address of a store, and the databases that a process has to know for it."""

    url: str
    databases: Mapping[str, Any] = {}


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: Any,
) -> Iterator[Place]:
    """Yield a fresh store that processes share."""
    if request.param == "sqlite":
        yield Place(f"sqlite:///{tmp_path}/store.db")
    elif request.param == "redis":
        with running_redis(tmp_path) as server:
            yield Place(server.url)
    else:
        django_databases.keep_connections(monkeypatch)
        with (
            running_postgres() as server,
            django_databases.database("spent", server.settings),
            django_db_blocker.unblock(),
        ):
            django_databases.migrate("spent")
            yield Place("django-db://spent", {"spent": server.settings})


def check(place: Place, *, processes: int, calls: int) -> None:
    """Let processes spend, and compare their ledgers with the provider's bill."""
    url = place.url
    limit = calls * processes * 20e-6
    with biller(seed()) as provider:
        port = answer_of(provider, ask=False)
        given = {"url": f"http://127.0.0.1:{port}", "limit": limit, "seed": seed(), "calls": calls}
        spenders = spend({**given, "store": url, "databases": place.databases}, processes)
        bill = answer_of(provider)
    assert all(spender.is_done for spender in spenders if spender.dies_after is None)
    assert any(
        not spender.is_done for spender in spenders
    )  # the last of their calls may be faster than the signal
    subjects = subjects_of(spenders, bill, url)
    wrong = {
        name: (why, subject, bill.get(name)) for name, subject in subjects.items() if (why := subject.wrong())
    }
    assert not wrong, "\n".join([f"SEED={seed()}", *(f"{name}: {what}" for name, what in wrong.items())])
    store = open_store(url)
    everything, each, tenants = (
        ledgers_of(store, spenders, name) for name in ("everything", "each", "tenant")
    )
    store.close()
    assert [*everything.values()] == [sum(each.values())] == [sum(tenants.values())]
    assert max(tenants.values()) <= limit * 1e9
    made = outcomes(spenders)
    assert made.keys() >= EXPECTED or any(spender.lacked_store for spender in spenders), made


def test_few_processes(place: Place) -> None:
    """Of 4 processes, 2 of them killed, the ledger is the provider's bill, and more only by what nobody can know."""
    check(place, processes=4, calls=60)


@pytest.mark.slow
def test_many_processes(place: Place) -> None:
    """Of 16 processes of 500 calls, 8 of them killed, the ledger is the bill, and more only by what nobody can know."""
    check(place, processes=16, calls=200 if place.databases else 500)  # which takes four times as long a call
