"""Applications that share one Redis server: each counts what the others do, and none is in another's way."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ai_client import BudgetExceeded, ClientProvider, OpenAI, labels
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.stores import Ledger, Spend, Tally, open_store, shared
from ai_client.stores.redis import RedisBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Gate, Upstream
from tests.process.test_drain import ASK
from tests.support.invoke import CHAT
from tests.support.policies import Clock, Redis, finish, running_redis, sync_io
from tests.support.spender import PRICES

pytestmark = pytest.mark.usefixtures("no_loop_left")

EACH = 50
"""Tokens of each answer."""
ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    "model": "gpt-4o-mini",
    "usage": {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": EACH},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """Yield a server of the test's own, which keeps what it is told over a restart."""
    with running_redis(tmp_path, durable=True) as server:
        yield server


@pytest.fixture
def store(server: Redis) -> Iterator[SharedStore]:
    """Yield a store of the test's own, to look at what the others count."""
    store = open_store(server.url)
    yield store
    store.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a server that was down again at once."""
    monkeypatch.setattr(shared, "PAUSE", 0.0)


@pytest.fixture
def make(server: Redis, ai_client_upstream: Upstream) -> Iterator[Callable[..., ClientProvider]]:
    """Yield a function that makes providers which count in the server, each with a store of its own."""
    made: list[ClientProvider] = []

    def make(**controls: Any) -> ClientProvider:
        counted = {"store": server.url, "budgets": [{"tokens": 10**6, "per": "total"}], "cost": True}
        options = {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0}
        made.append(ClientProvider({**options, "controls": {**counted, **controls}}))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


def tokens(store: SharedStore, who: str = "all") -> Ledger:
    """Return the balance of the tokens of everybody, or of a scope."""
    return finish(store.ledger(sync_io(), f"|tokens|total|UTC|{who}", sync_io().now()))


def counted(store: SharedStore, by: str) -> dict[str | None, int]:
    """Return how many calls the cost report counts for each value of a label."""
    return {row.labels[by]: row.calls for row in Cost(PRICES, store).report(by=[by])}


@pytest.mark.parametrize("way", ASK)
def test_one_that_closes_leaves_the_call_of_another_alone(
    make: Callable[..., ClientProvider], store: SharedStore, ai_client_upstream: Upstream, way: str
) -> None:
    """A call between its reservation and its settlement is counted once, although another application ends."""
    gate = Gate()
    ai_client_upstream.always(json=ANSWER)
    ai_client_upstream.reply(json=ANSWER, gate=gate)
    first, second = make(), make()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(ASK[way], first)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
        ASK[way](second)
        second.close()
        assert tokens(store).used == EACH
        assert tokens(store).held > 0
        gate.set()
        assert call.result(60)
    assert tokens(store) == Ledger(2 * EACH, 0)
    assert counted(store, "tenant") == {None: 2}


@pytest.mark.parametrize("on_failure", ["open", "closed"])
@pytest.mark.parametrize("way", ASK)
def test_a_server_that_restarts_during_a_call(
    make: Callable[..., ClientProvider],
    store: SharedStore,
    server: Redis,
    ai_client_upstream: Upstream,
    *,
    way: str,
    on_failure: str,
) -> None:
    """What was reserved before a restart is settled after it, once, by whichever operation comes first."""
    gate = Gate()
    ai_client_upstream.always(json=ANSWER)
    ai_client_upstream.reply(json=ANSWER, gate=gate)
    ai_client_upstream.reply(json=ANSWER, gate=gate)
    calls = [make(on_store_failure=on_failure) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(ASK["sync" if way == "direct" else way], calls[0]),
            pool.submit(ASK[way], calls[1]),
        ]
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 2)
        server.stop()
        gate.set()
        assert all(call.result(60) for call in asked)  # their answers are theirs, counted or not
        server.start()
    found = tokens(store)
    # who looks each second whether the server is back may have settled them already
    assert found.held > 0 or found.used == 2 * EACH
    ASK[way](calls[0])
    calls[1].close()
    assert tokens(store) == Ledger(3 * EACH, 0)
    assert counted(store, "tenant") == {None: 3}


def test_tenants_and_models_of_both_are_told_apart(
    make: Callable[..., ClientProvider], store: SharedStore, ai_client_upstream: Upstream
) -> None:
    """A tenant's budget is one for all applications, that of another tenant another, and so are a model's sums."""
    ai_client_upstream.always(json=ANSWER)
    budgets = [{"requests": 3, "per": "total", "scope": ["tenant", "model"]}]
    both = make(budgets=budgets), make(budgets=budgets)

    def ask(provider: ClientProvider, tenant: str, model: str) -> bool:
        with labels(tenant=tenant):
            try:
                provider.client.chat.completions.create(
                    model=model, messages=[{"role": "user", "content": "x"}]
                )
            except BudgetExceeded:
                return False
        return True

    for tenant in ("a", "b|tenant=a"):
        for model in ("gpt-4o", "gpt-4o-mini"):
            assert [ask(both[number % 2], tenant, model) for number in range(5)] == [True] * 3 + [False] * 2
    assert counted(store, "tenant") == {"a": 6, "b|tenant=a": 6}


def test_keys_of_another_prefix_are_another_store(server: Redis) -> None:
    """Stores of different prefixes share nothing, and those of one prefix everything, whoever is closed first."""
    now = sync_io().now()
    stores = [RedisBackend(server.url, prefix) for prefix in ("{a}:", "{b}:", "{a}:")]
    for number, store in enumerate(stores):
        store.set("kept", bytes([number]), now + 60, now)
        store.settle(f"t{number}", [Spend("used", 1, now + 60)], now, (), Tally("p", "k", {"n": 1}, now + 60))
    stores[0].close()
    assert [store.get("kept", now) for store in stores[1:]] == [b"\x01", b"\x02"]
    assert [store.ledger("used", now) for store in stores] == [Ledger(2, 0), Ledger(1, 0), Ledger(2, 0)]
    assert [store.sums("p", "p")["p"]["k"]["n"] for store in stores] == [2, 1, 2]
    for store in stores:
        store.close()


@pytest.mark.parametrize("ahead", [-2000.0, -30.0, 30.0, 2000.0])
def test_clocks_that_differ_count_once(
    server: Redis, store: SharedStore, ai_client_upstream: Upstream, ahead: float
) -> None:
    """Of clocks that differ, also by more than a reservation lasts, no call is counted twice or held for ever."""
    gate = Gate()
    ai_client_upstream.always(json=ANSWER)
    ai_client_upstream.reply(json=ANSWER, gate=gate)
    clock = Clock(sync_io().now())
    budgets, rates = [Budget(tokens=10**6, per="total")], [RateLimit(tokens=10**6, per="minute")]
    clients: list[OpenAI] = []
    for now in (clock, Clock(clock.now + ahead)):
        of = open_store(server.url)
        layers = [Budgets(budgets, of), Cost(PRICES, of), RateLimits(rates, of)]
        clients.append(
            OpenAI(base_url=ai_client_upstream.base_url, api_key="any", max_retries=0, layers=layers)
        )
        clients[-1].io.now = now  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(clients[0].chat.completions.create, **CHAT)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
        clients[1].chat.completions.create(**CHAT)
        gate.set()
        call.result(60)
    assert tokens(store) == Ledger(2 * EACH, 0)
    assert counted(store, "tenant") == {None: 2}
    for client in clients:
        client.close()
