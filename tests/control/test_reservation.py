"""Attempts before the last: what they may have cost counts too."""

from typing import Any

import pytest

from ai_client import APIConnectionError
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.cache.policy import Cache
from ai_client.control.fallback import Fallback
from ai_client.control.record import call_record
from ai_client.stores import Ledger, open_store
from ai_client.stores.memory import MemoryBackend
from ai_client.testing import Upstream
from tests.support.accounts import chat_reply, held
from tests.support.invoke import Invoke, no_waiting
from tests.support.policies import Clock
from tests.support.spender import PRICES


def budgets(tokens: int, store: Any) -> Budgets:
    """Make a budget of tokens and one of requests."""
    return Budgets([Budget(tokens=tokens, per="total"), Budget(requests=100, per="total")], store)


def set_aside(invoke: Invoke, upstream: Upstream) -> int:
    """Learn what the call of these tests sets aside."""
    store = open_store()
    upstream.reply(disconnect=True)
    client = invoke.client(layers=[budgets(10_000, store)])
    with pytest.raises(APIConnectionError):
        invoke.chat(client, max_tokens=100)
    return held(store, "tokens").used


@pytest.mark.parametrize("stream", [False, True])
def test_a_lost_attempt_counts_as_it_was_set_aside(invoke: Invoke, upstream: Upstream, stream: bool) -> None:
    """A call that was answered at its third attempt has cost what it reports, and twice what was set aside; it is one
    request.
    """  # noqa: D205 - one sentence
    amount = set_aside(invoke, upstream)
    store = open_store()
    client = invoke.client(layers=[budgets(10_000, store), Cost(PRICES, store)], max_retries=2)
    upstream.reply(disconnect=True, times=2)
    with no_waiting():
        answer = invoke.chat(client, max_tokens=100, **({"stream": True} if stream else {}))
        if stream:
            invoke.collect(answer)
    record = call_record(answer)
    assert record is not None
    assert record.usage is not None
    assert (record.attempts, record.lost, record.answered) == (3, 2, 1)
    assert held(store, "requests") == Ledger(1, 0)
    before = held(store, "tokens").used - record.usage.total
    assert held(store, "tokens").held == 0
    assert before >= 2 * amount if stream else before == 2 * amount  # the request of a stream is longer
    (row,) = Cost(PRICES, store).report()
    assert (row.calls, row.sums["reported"], row.sums["unknown"], row.unpriced) == (3, 1, 2, 2)


def test_an_attempt_that_was_refused_costs_nothing(invoke: Invoke, upstream: Upstream) -> None:
    """An attempt that ended with a status is not counted, nor is as much set aside again."""
    upstream.reply(status=500)
    upstream.reply(status=429)
    upstream.always(chat_reply)
    store = open_store()
    client = invoke.client(layers=[budgets(10_000, store), Cost(PRICES, store)], max_retries=2)
    with no_waiting():
        record = call_record(invoke.chat(client, max_tokens=100))
    assert record is not None
    assert (record.attempts, record.lost) == (3, 0)
    assert held(store, "tokens") == Ledger(50, 0)
    (row,) = Cost(PRICES, store).report()
    assert row.calls == 1


def test_no_further_attempt_without_room_for_it(invoke: Invoke, upstream: Upstream) -> None:
    """Where a hard budget has no room for a second attempt after one that may have been billed, the first one's failure
    is the call's.
    """  # noqa: D205 - one sentence
    amount = set_aside(invoke, upstream)
    sent = len(upstream.requests)
    upstream.reply(disconnect=True, times=5)
    store = open_store()
    client = invoke.client(layers=[budgets(2 * amount - 1, store)], max_retries=4)
    with no_waiting(), pytest.raises(APIConnectionError):
        invoke.chat(client, max_tokens=100)
    assert len(upstream.requests) == sent + 1
    assert held(store, "tokens") == Ledger(amount, 0)
    assert held(store, "requests") == Ledger(1, 0)


def test_a_store_that_went_down_allows_no_further_attempt(invoke: Invoke, upstream: Upstream) -> None:
    """Where the store refuses by then, the attempt's failure is raised, and not the store's."""
    from ai_client import StoreError
    from ai_client.stores.shared import SharedStore

    class Failing(MemoryBackend):
        instant = False
        made = 0

        def admit(self, *args: Any) -> Any:
            self.made += 1
            if self.made > 1:
                raise StoreError("down")
            return super().admit(*args)

    store = SharedStore(Failing(), on_failure="closed")
    upstream.reply(disconnect=True)
    client = invoke.client(layers=[budgets(10_000, store)], max_retries=1)
    with no_waiting(), pytest.raises(APIConnectionError):
        invoke.chat(client, max_tokens=100)
    assert len(upstream.requests) == 1
    store.close()


def test_a_target_that_lost_a_call_is_counted_beside_the_one_that_answered(
    invoke: Invoke, upstream: Upstream
) -> None:
    """In a chain, what the first target may have billed counts under its name, and the second's report under its."""
    store = open_store()
    chain = Fallback({"smart": ["gpt-4o", "gpt-4o-mini"]})
    cost = Cost(PRICES, store)
    client = invoke.client(layers=[chain, budgets(100_000, store), cost])
    upstream.reply(disconnect=True)
    upstream.always(chat_reply)
    invoke.chat(client, model="smart", max_tokens=100)
    rows = {row.labels["target"]: row for row in cost.report(by=["target"])}
    assert (rows["gpt-4o"].unpriced, rows["gpt-4o-mini"].unpriced) == (1, 0)
    assert held(store, "tokens").used > 50 + 100
    assert held(store, "tokens").held == 0


def test_budgets_around_budgets(invoke: Invoke, upstream: Upstream) -> None:
    """Where two policies hold a call, both are asked before a further attempt, and neither afterwards."""
    outer, inner = open_store(), open_store()
    layers = [budgets(10_000, outer), budgets(10_000, inner)]
    client = invoke.client(layers=layers, max_retries=1)
    upstream.reply(disconnect=True)
    with no_waiting():
        record = call_record(invoke.chat(client, max_tokens=100))
    assert record is not None
    assert record.before_retry is None
    assert held(outer, "tokens") == held(inner, "tokens")
    assert held(outer, "tokens").held == 0
    assert record.usage is not None
    assert held(outer, "tokens").used > record.usage.total


def test_nothing_stays_set_aside_where_the_answer_is_not_an_attempts(
    invoke: Invoke, upstream: Upstream, clock: Clock
) -> None:
    """A stale answer from a cache further in settles what was set aside for both attempts that came before it."""
    store = open_store()
    layers = [budgets(10_000, store), Cache("all", store, ttl=60, stale_if_error=3600)]
    client = invoke.client(layers=layers, max_retries=1)
    client.io.now = clock
    invoke.chat(client, temperature=0)
    clock.now += 61
    upstream.reply(disconnect=True)
    upstream.reply(status=503)
    with no_waiting():
        record = call_record(invoke.chat(client, temperature=0))
    assert record is not None
    assert (record.cache, record.attempts, record.billable) == ("stale", 2, 1)
    assert held(store, "tokens").held == 0
