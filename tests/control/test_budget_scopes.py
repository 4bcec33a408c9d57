"""For which model, and for which calls, budgets and rates count."""

from dataclasses import dataclass
from typing import Any

import pytest

from ai_client import APIConnectionError, APIStatusError, BudgetExceeded, RateLimitExceeded
from ai_client.control import (
    Budget,
    Budgets,
    Cache,
    Call,
    Cost,
    Fallback,
    Next,
    Prices,
    RateLimit,
    RateLimits,
    Reply,
)
from ai_client.control.record import call_record
from ai_client.stores import Ledger, open_store
from ai_client.testing import Upstream
from tests.support.accounts import chat_reply
from tests.support.invoke import Invoke
from tests.support.policies import finish, sync_io
from tests.support.ports import free_port

ALIASES = {"fast": ["a", "b"], "quick": "a", "slow": "b"}


def test_a_budget_of_a_model_counts_the_model_that_serves(invoke: Invoke) -> None:
    """Calls of several aliases count for the model that each is sent to, and that of a fallback where it takes over."""
    budget = Budgets([Budget(requests=2, scope="model")], open_store())
    client = invoke.client(layers=[Fallback(models=ALIASES), budget])
    invoke.chat(client, model="fast")
    invoke.chat(client, model="quick")
    with pytest.raises(BudgetExceeded) as caught:
        invoke.chat(client, model="quick")
    assert caught.value.details["scope"] == "model=a"
    invoke.chat(client, model="slow")
    invoke.chat(client, model="c")
    record = call_record(invoke.chat(client, model="b"))
    assert record is not None
    assert record.target_model == "b"
    with pytest.raises(BudgetExceeded):
        invoke.chat(client, model="slow")


def test_a_fallback_is_counted_for_its_own_model(invoke: Invoke, upstream: Upstream) -> None:
    """What a target failed to answer counts for the model of the target that did."""
    store = open_store()
    budget = Budgets([Budget(tokens=10_000, per="total", scope="model")], store)
    client = invoke.client(layers=[Fallback(models=ALIASES), budget])
    upstream.reply(status=503)
    upstream.reply(chat_reply)
    invoke.chat(client, model="fast")

    def used(model: str) -> Ledger:
        return finish(store.ledger(sync_io(), f"|tokens|total|UTC|model={model}", sync_io().now()))

    assert (used("a"), used("b"), used("fast")) == (Ledger(0, 0), Ledger(50, 0), Ledger(0, 0))


def test_a_rate_of_a_model_is_that_of_the_model_that_serves(invoke: Invoke) -> None:
    """Two aliases of one model share its rate."""
    rates = RateLimits([RateLimit(requests=1, scope="model", per="hour")], open_store(), max_wait=0)
    client = invoke.client(layers=[Fallback(models={"fast": "a", "quick": "a"}), rates])
    invoke.chat(client, model="fast")
    with pytest.raises(RateLimitExceeded):
        invoke.chat(client, model="quick")
    invoke.chat(client, model="b")


@dataclass(frozen=True)
class Rewrite:
    """A policy of the application that asks another model."""

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Ask for the dear model."""
        return await proceed(call.with_members({"model": "dear"}))


def test_a_model_that_a_policy_chose_is_counted_and_priced(invoke: Invoke, upstream: Upstream) -> None:
    """Where a policy of the application sends another model, that is the one that budgets count and prices price."""
    upstream.always(chat_reply)
    store, prices = open_store(), Prices({"cheap": {"input": 1}, "dear": {"input": 100}}, library=False)
    for around in (
        [Rewrite()],
        [Fallback(models={"cheap": "middle"}), Rewrite()],
        [Cache("all", store), Rewrite()],
    ):
        layers = [*around, Budgets([Budget(requests=1, scope="model", name=repr(around))], store, prices)]
        client = invoke.client(layers=[*layers, Cost(prices, store)])
        record = call_record(invoke.chat(client, model="cheap"))
        assert record is not None
        assert record.usd == 30 * 100 / 1_000_000
        with pytest.raises(BudgetExceeded) as caught:
            invoke.chat(client, model="cheap")
        assert caught.value.details["scope"] == "model=dear"


def test_the_cache_is_shared_by_model_as_asked(invoke: Invoke, upstream: Upstream) -> None:
    """A cache with the scope `model` finds an answer again whichever target served it."""
    client = invoke.client(layers=[Cache("model", open_store()), Fallback(models=ALIASES)])
    upstream.reply(status=500)
    for _ in range(2):
        invoke.chat(client, model="fast", temperature=0)
    assert len(upstream.requests) == 2


def test_a_model_at_a_client_has_its_own_price(invoke: Invoke, upstream: Upstream) -> None:
    """A price under `client/model` is that of the model at that client, before those of the model."""
    upstream.always(chat_reply)
    store = open_store()
    prices = Prices({"m": {"input": 1}, "far/m": {"input": 100}, "far/*": {"input": 7}}, library=False)
    further = invoke.client()
    models = {"fast": "far/m", "faster": "fast", "far/x": ["far/x", "m"], "near": "m"}
    layers = [
        Fallback(models=models, clients={"far": further}),
        Budgets([Budget(usd=1, per="total")], store, prices),
        Cost(prices, store),
    ]
    client = invoke.client(layers=layers)
    for model, price, asked in (
        ("fast", 100, "m"),
        ("faster", 100, "m"),
        ("far/x", 7, "x"),
        ("near", 1, "m"),
        ("m", 1, "m"),
    ):
        record = call_record(invoke.chat(client, model=model))
        assert record is not None
        assert record.nano_usd == 30 * price * 1000
        assert upstream.requests[-1].json()["model"] == asked


FAILURES: list[dict[str, Any]] = [
    {"status": 400},
    {"status": 401},
    {"status": 404},
    {"status": 429},
    {"status": 500},
    {"status": 503},
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure["status"]))
def test_a_budget_of_requests_counts_no_failure(
    invoke: Invoke, upstream: Upstream, failure: dict[str, Any]
) -> None:
    """A call that the provider refused or failed, and does not bill, takes nothing of a budget of requests."""
    client = invoke.client(layers=[Budgets([Budget(requests=1)], open_store())])
    upstream.reply(**failure, times=2)
    for _ in range(2):
        with pytest.raises(APIStatusError):
            invoke.chat(client)
    invoke.chat(client)
    with pytest.raises(BudgetExceeded):
        invoke.chat(client)


def test_a_budget_of_requests_counts_what_may_be_billed(invoke: Invoke, upstream: Upstream) -> None:
    """A call without an answer that may be billed, as where it broke off, is a request; one never sent is none."""
    store = open_store()
    nowhere = invoke.client(
        base_url=f"http://127.0.0.1:{free_port()}/v1", layers=[Budgets([Budget(requests=1)], store)]
    )
    client = invoke.client(layers=[Budgets([Budget(requests=1)], store)])
    with pytest.raises(APIConnectionError):
        invoke.chat(nowhere)
    upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError):
        invoke.chat(client)
    with pytest.raises(BudgetExceeded):
        invoke.chat(client)
