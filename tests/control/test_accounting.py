"""Budgets, cost and rates that act as one."""

from typing import Any

import pytest

from ai_client import BudgetExceeded, RateLimitExceeded
from ai_client._call.pipeline import together
from ai_client.control import Call, Next, Reply
from ai_client.control.accounting.accounting import Accounting
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.assembly import make_layers
from ai_client.control.concurrency import Concurrency
from ai_client.stores import Ledger, Refusal, open_store
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Upstream
from tests.support.accounts import held
from tests.support.invoke import Invoke
from tests.support.policies import Clock
from tests.support.spender import PRICES

HERE = open_store()
BUDGETS = Budgets([Budget(tokens=10**9)], HERE)
COST = Cost(PRICES, HERE)
RATES = RateLimits([RateLimit(tokens=10**9)], HERE)
ELSEWHERE = Cost(PRICES, open_store())
NOWHERE = Cost(PRICES)
SLOTS = Concurrency(5)


@pytest.mark.parametrize(
    ("layers", "steps"),
    [
        ([BUDGETS, COST, RATES], [{"budgets", "cost", "rates"}]),
        ([BUDGETS, RATES], [{"budgets", "rates"}]),
        ([BUDGETS, NOWHERE, RATES], [{"budgets", "cost", "rates"}]),
        ([NOWHERE, RATES], [{"cost", "rates"}]),
        ([BUDGETS, ELSEWHERE, RATES], [{"budgets"}, {"cost"}, {"rates"}]),
        ([RATES, BUDGETS], [{"rates"}, {"budgets"}]),
        ([BUDGETS, BUDGETS], [{"budgets"}, {"budgets"}]),
        ([BUDGETS, SLOTS, COST, RATES], [{"budgets"}, None, {"cost", "rates"}]),
    ],
)
def test_who_acts_as_one(layers: list[Any], steps: list[set[str] | None]) -> None:
    """Policies that follow each other in their usual order and count in one store act as one, and no others."""
    found = [{*step.parts} if isinstance(step, Accounting) else None for step in together(layers)]
    assert found == steps


class Counting(MemoryBackend):
    """A place that has to be waited for, and notes what is asked of it."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def admit(self, *args: Any) -> Refusal | None:
        """Note it, and admit."""
        self.asked.append("admit")
        return super().admit(*args)

    def settle(self, *args: Any) -> list[Ledger]:
        """Note it, and settle."""
        self.asked.append("settle")
        return super().settle(*args)


@pytest.mark.parametrize("stream", [False, True])
def test_two_visits_to_the_store_for_each_call(invoke: Invoke, stream: bool) -> None:
    """Room is asked for once before a call, and all that came of it is counted once after it."""
    backend = Counting()
    store = SharedStore(backend)
    layers = make_layers(
        {
            "store": store,
            "budgets": [{"tokens": 10**9, "scope": "tenant"}, {"usd": 10**6}, {"requests": 10**6}],
            "cost": True,
            "prices": PRICES,
            "rate_limits": [{"tokens": 10**9, "requests": 10**6}, {"tokens": 10**9, "per": "day"}],
        }
    )
    client = invoke.client(layers=layers)
    for _ in range(3):
        answer = invoke.chat(client, **({"stream": True} if stream else {}))
        if stream:
            invoke.collect(answer)
    assert backend.asked == ["admit", "settle"] * 3
    (row,) = layers[1].report()
    assert (row.calls, row.sums["reported"]) == (3, 3)
    used = row.sums["input"] + row.sums["output"]
    assert held(store, "|tokens|") == Ledger(used, 0)
    assert held(store, "|usd|") == Ledger(row.sums["nano_usd"], 0)
    assert held(store, "|requests|") == Ledger(3, 0)
    windows = {key.split("|")[0]: window.total for key, window in backend._state().windows.items()}
    assert windows == {"requests": 3, "tokens": used}
    store.close()


def test_a_call_that_waits_for_a_rate_holds_nothing(invoke: Invoke, clock: Clock, upstream: Upstream) -> None:
    """While there is no room within a rate nothing is set aside of a budget, and a call that is refused used none."""
    store = open_store()
    budgets = Budgets([Budget(requests=2, per="total")], store)
    client = invoke.client(
        layers=[budgets, RateLimits([RateLimit(requests=1, per="second")], store, max_wait=5)]
    )
    seen: list[Ledger] = []

    async def wait(waiter: Any, timeout: float) -> bool:
        del waiter
        seen.append(held(store))
        clock.sleep(timeout)
        return False

    client.io.now, client.io.wait = clock, wait
    invoke.chat(client)
    invoke.chat(client)
    assert seen
    assert all(ledger == Ledger(1, 0) for ledger in seen)
    with pytest.raises(BudgetExceeded):
        invoke.chat(client)
    strict = invoke.client(
        layers=[
            Budgets([Budget(requests=5, per="total", name="b")], store),
            RateLimits([RateLimit(requests=1)], store),
        ]
    )
    invoke.chat(strict)
    with pytest.raises(RateLimitExceeded):
        invoke.chat(strict)
    assert held(store, "b|") == Ledger(1, 0)
    assert len(upstream.requests) == 3


def test_a_policy_around_others_is_asked_itself(invoke: Invoke) -> None:
    """A policy of the application may call one that counts, without a client that lets neighbours act as one."""
    store = open_store()
    cost = Cost(PRICES, store)

    async def mine(call: Call, proceed: Next) -> Reply:
        return await cost(call, proceed)

    invoke.chat(invoke.client(layers=[mine]))
    (row,) = cost.report()
    assert row.calls == 1
