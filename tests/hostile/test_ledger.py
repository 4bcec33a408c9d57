"""Many processes spend from one store against a hostile provider, half of them are killed: the ledger is its bill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_client.stores import open_store
from tests.support.hostile.cells import seed
from tests.support.hostile.ledgers import answer_of, biller, ledgers_of, outcomes, spend, subjects_of
from tests.support.policies import running_redis

EXPECTED = {"answered", "cut", "hit", "BudgetExceeded"}
"""Ways to end that some call of every run has."""


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a fresh store that processes share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    with running_redis(tmp_path) as server:
        yield server.url


def check(url: str, *, processes: int, calls: int) -> None:
    """Let processes spend, and compare their ledgers with the provider's bill."""
    limit = calls * processes * 20e-6
    with biller(seed()) as provider:
        port = answer_of(provider, ask=False)
        spenders = spend(url, port=port, processes=processes, calls=calls, limit=limit, seed=seed())
        bill = answer_of(provider)
    killed = [spender.dies_after is not None for spender in spenders]
    assert [not spender.is_done for spender in spenders] == killed
    made = outcomes(spenders)
    assert made.keys() >= EXPECTED, made
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


def test_few_processes(url: str) -> None:
    """Of 4 processes, 2 of them killed, the ledger is the provider's bill, and more only by what nobody can know."""
    check(url, processes=4, calls=60)


@pytest.mark.slow
def test_many_processes(url: str) -> None:
    """Of 16 processes of 500 calls, 8 of them killed, the ledger is the bill, and more only by what nobody can know."""
    check(url, processes=16, calls=500)
