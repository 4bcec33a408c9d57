"""Budgets, in a process and between processes."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from ai_client import APIStatusError, BudgetExceeded, ConfigError, labels
from ai_client.control import Call, Reply as CallReply
from ai_client.control.accounting.budget import Budget, Budgets, BudgetWarning
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record
from ai_client.control.windows import window
from ai_client.stores import Ledger, open_store
from ai_client.testing import Recorded, Reply, Upstream
from ai_client.web import http_error
from tests.support.accounts import chat_reply, held
from tests.support.invoke import Invoke
from tests.support.policies import Clock, async_io, finish, sync_io
from tests.support.spender import PRICES


def test_a_budget_is_reserved_and_settled(invoke: Invoke, upstream: Upstream) -> None:
    """A call takes from the budget what it used, and gives the rest of its reservation back."""
    upstream.always(chat_reply)
    store = open_store()
    client = invoke.client(layers=[Budgets([Budget(tokens=1000, per="total")], store)])
    invoke.chat(client, max_tokens=100)
    assert held(store) == Ledger(50, 0)


def test_a_hard_budget_refuses(invoke: Invoke, upstream: Upstream) -> None:
    """A call that may need more than is left is refused before it is sent, with the figures and a time."""
    upstream.always(chat_reply)
    client = invoke.client(layers=[Budgets([Budget(tokens=200, per="day", status=402)], open_store())])
    invoke.chat(client, max_tokens=100)
    invoke.chat(client, max_tokens=80)
    with pytest.raises(BudgetExceeded, match="200 tokens per day") as caught:
        invoke.chat(client, max_tokens=100)
    error = caught.value
    assert len(upstream.requests) == 2
    assert (error.details["used"], error.details["held"], error.details["limit"]) == (100, 0, 200)
    assert 0 < (error.retry_after or 0) <= 86_400
    shown = http_error(error)
    assert shown is not None
    assert (shown.status, shown.type) == (402, "budget")


def test_budgets_in_usd_without_a_source_of_prices(invoke: Invoke, upstream: Upstream) -> None:
    """Where no price can be known, a hard budget in USD rejects nothing, and counts the costs that answers report."""

    def reported(recorded: Recorded) -> Reply:
        reply = chat_reply(recorded)
        if len(upstream.requests) == 1:
            reply.json["usage"]["cost"] = 0.25
        return reply

    upstream.always(reported)
    store = open_store()
    client = invoke.client(layers=[Budgets([Budget(usd=1, per="total")], store, Prices(library=False))])
    invoke.chat(client, max_tokens=100)
    invoke.chat(client, max_tokens=100)
    assert held(store) == Ledger(250_000_000, 0)


def test_budgets_in_usd(invoke: Invoke, upstream: Upstream) -> None:
    """A budget in USD counts by the prices, and refuses a model without one."""
    upstream.always(chat_reply)
    store = open_store()
    client = invoke.client(layers=[Budgets([Budget(usd=1, per="total")], store, PRICES)])
    invoke.chat(client, max_tokens=100)
    assert held(store) == Ledger(30 * 150_000 + 20 * 600_000, 0)
    with pytest.raises(ConfigError, match="The price of the model 'other' is unknown"):
        invoke.chat(client, model="other")
    soft = invoke.client(layers=[Budgets([Budget(usd=1, hard=False)], store, PRICES)])
    invoke.chat(soft, model="other")


def test_figures_of_a_budget_in_usd(invoke: Invoke, upstream: Upstream) -> None:
    """Refusals and warnings say in USD, to the last of its parts, what was used and what may be."""
    upstream.always(chat_reply)
    heard: list[BudgetWarning] = []
    budget = Budget(usd=0.04, per="total", warn_at=0.4, on_warning=heard.append)
    client = invoke.client(layers=[Budgets([budget], open_store(), PRICES)])
    invoke.chat(client, max_tokens=20)
    invoke.chat(client, max_tokens=20)
    with pytest.raises(BudgetExceeded, match=r"The budget of 0\.04 USD has no room") as caught:
        invoke.chat(client, max_tokens=20)
    figures = {name: caught.value.details[name] for name in ("used", "held", "limit", "unit")}
    assert figures == {"used": 0.033, "held": 0.0, "limit": 0.04, "unit": "usd"}
    assert [(warning.used, warning.limit) for warning in heard] == [(0.0165, 0.04)]


def test_every_tenant_has_its_own(invoke: Invoke) -> None:
    """With the scope of a tenant, what one spends leaves the others theirs; the nameless share one."""
    client = invoke.client(layers=[Budgets([Budget(requests=1, scope="tenant")], open_store())])
    for tenant in ("a", "b", None):
        with labels(tenant=tenant):
            invoke.chat(client)
            with pytest.raises(BudgetExceeded):
                invoke.chat(client)


def test_several_budgets_apply_together(invoke: Invoke) -> None:
    """A call must fit every budget, and takes from none where it does not fit one."""
    store = open_store()
    budgets = [Budget(requests=3, per="total"), Budget(requests=1, per="total", scope="tenant")]
    client = invoke.client(layers=[Budgets(budgets, store)])
    with labels(tenant="a"):
        invoke.chat(client)
        with pytest.raises(BudgetExceeded) as caught:
            invoke.chat(client)
    assert caught.value.details["scope"] == "tenant=a"
    assert held(store) == Ledger(2, 0)


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_refused_call_gives_its_reservation_back(invoke: Invoke, upstream: Upstream, status: int) -> None:
    """A call that the upstream refused spends nothing."""
    upstream.reply(status=status)
    store = open_store()
    with pytest.raises(APIStatusError, match=str(status)):
        invoke.chat(invoke.client(layers=[Budgets([Budget(tokens=10_000, per="total")], store)]))
    assert held(store) == Ledger(0, 0)


def test_unknown_usage_counts_as_reserved(invoke: Invoke, upstream: Upstream) -> None:
    """A call whose usage nobody reports, or whose answer was lost, counts with all that was set aside."""
    from ai_client import APIConnectionError

    store = open_store()
    client = invoke.client(layers=[Budgets([Budget(tokens=10_000, per="total")], store)])
    upstream.reply(json={"id": "x", "choices": []})
    invoke.chat(client, "", max_tokens=100)
    once = held(store)
    assert once.used >= 100
    assert once.held == 0
    upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError):
        invoke.chat(client, "", max_tokens=100)
    assert held(store) == Ledger(2 * once.used, 0)


def test_a_stream_settles_when_it_ends_or_is_left(invoke: Invoke) -> None:
    """A stream holds its reservation while it is open, and settles at its end and when it is closed early."""
    store = open_store()
    client = invoke.client(layers=[Budgets([Budget(tokens=10_000, per="total")], store)])
    stream = invoke.chat(client, stream=True)
    assert held(store).held > 0
    invoke.collect(stream)
    record = call_record(stream)
    assert record is not None
    assert record.usage is not None
    assert held(store) == Ledger(record.usage.total, 0)
    aborted = invoke.chat(client, stream=True)
    invoke.collect(aborted, 3)
    invoke(aborted.close)
    assert held(store).held == 0
    assert held(store).used > record.usage.total


def test_warnings_come_once(invoke: Invoke, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """A budget that is nearly used up is told of once, and once when it is; a failing callback harms nobody."""
    upstream.always(chat_reply)
    heard: list[BudgetWarning] = []

    def hear(warning: BudgetWarning) -> None:
        heard.append(warning)
        raise RuntimeError("broken")

    budget = Budget(tokens=100, per="total", hard=False, warn_at=0.5, on_warning=hear)
    client = invoke.client(layers=[Budgets([budget], open_store())])
    with caplog.at_level(logging.WARNING, "ai_client"):
        for _ in range(4):
            invoke.chat(client)
    assert [warning.used for warning in heard] == [50, 100]
    assert sum("used up to" in record.message for record in caplog.records) == 2


def test_crossing_both_marks_at_once_warns_once(invoke: Invoke, upstream: Upstream) -> None:
    """One call that uses the whole budget leads to one warning."""
    upstream.always(chat_reply)
    heard: list[BudgetWarning] = []
    budget = Budget(tokens=50, hard=False, on_warning=heard.append)
    invoke.chat(invoke.client(layers=[Budgets([budget], open_store())]))
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of usd, tokens and requests"),
        ({"usd": 1, "tokens": 1}, "exactly one"),
        ({"usd": -1}, "usd must be 0 or more"),
        ({"usd": 1, "scope": "galaxy"}, "scope must be one of all, process"),
        ({"usd": 1, "timezone": "Mars/Olympus"}, "the time zone 'Mars/Olympus' is unknown"),
    ],
)
def test_a_contradictory_budget_is_refused(options: dict[str, Any], message: str) -> None:
    """A budget that makes no sense fails where it is made."""
    with pytest.raises(ConfigError, match=message):
        Budget(**options)


@pytest.mark.parametrize(
    ("per", "at", "hours"),
    [
        ("day", "2026-03-29T12:00", 23),
        ("day", "2026-10-25T12:00", 25),
        ("day", "2026-07-01T00:00", 24),
        ("week", "2026-07-01T12:00", 168),
        ("month", "2026-02-10T12:00", 28 * 24),
        ("month", "2026-12-31T23:00", 31 * 24),
        ("hour", "2026-07-01T12:59", 1),
    ],
)
def test_windows_are_those_of_the_calendar(per: Any, at: str, hours: int) -> None:
    """A window is a stretch of the calendar in its zone, also where the clocks change."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime.fromisoformat(at).replace(tzinfo=zone).timestamp()
    found = window(per, "Europe/Berlin", now)
    start = datetime.fromisoformat(found.name.partition(":")[2]).timestamp()
    assert start <= now < found.end
    assert (found.end - start) / 3600 == hours
    assert window(per, "Europe/Berlin", found.end).name != found.name
    assert window(per, "Europe/Berlin", found.end - 0.001) == found


def test_a_new_window_is_a_new_budget(invoke: Invoke, clock: Clock) -> None:
    """When the day is over, the budget is whole again."""
    client = invoke.client(layers=[Budgets([Budget(requests=1, per="day")], open_store())])
    client.io.now = clock
    invoke.chat(client)
    with pytest.raises(BudgetExceeded) as caught:
        invoke.chat(client)
    clock.now += caught.value.retry_after or 0
    invoke.chat(client)


def test_ten_thousand_at_once_are_exact() -> None:
    """Of 10,000 tasks at once, exactly as many are served as the budget has room for, and not one more."""
    store = open_store()
    policy = Budgets([Budget(tokens=700_000, per="total")], store)
    answer = httpx.Response(200, json={"usage": {"prompt_tokens": 40, "completion_tokens": 60}})

    async def proceed(call: Call) -> CallReply:
        del call
        await asyncio.sleep(0)
        return CallReply(answer)

    async def main() -> list[bool]:
        io = async_io()
        body = {"model": "m", "messages": [], "max_tokens": 200}

        async def one() -> bool:
            try:
                await policy(Call(io, "POST", "/chat/completions", None, body=body), proceed)
            except BudgetExceeded:
                return False
            return True

        return await asyncio.gather(*(one() for _ in range(10_000)))

    assert asyncio.run(main()).count(True) == 3500  # all 10,000 reserve before the first settles
    assert held(store) == Ledger(3500 * 100, 0)


def spenders(count: int, *args: object) -> list[subprocess.Popen[str]]:
    """Start processes that make calls, and let them begin together."""
    command = [sys.executable, "-m", "tests.support.spender", *map(str, args)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return processes


@pytest.fixture
def billing() -> Iterator[Upstream]:
    """Yield an upstream that reports a known usage."""
    with Upstream(record=False) as upstream:
        upstream.always(chat_reply)
        yield upstream


COST = 30 * 150_000 + 20 * 600_000
"""What one call costs in nano-USD."""


@pytest.mark.slow
def test_processes_share_a_budget(shared_url: str, billing: Upstream) -> None:
    """16 processes of 200 calls never pass the limit, and what is settled is what the upstream served."""
    limit = 2500 * COST / 1e9
    processes = spenders(16, shared_url, billing.base_url, 200, limit, 600, "count")
    said = [process.communicate()[0].split() for process in processes]
    served = sum(int(figures[0]) for figures in said)
    assert served + sum(int(figures[1]) for figures in said) == 3200
    store = open_store(shared_url)
    ledger = finish(store.ledger(sync_io(), total_key(), sync_io().now()))
    (row,) = Cost(PRICES, store).report()
    store.close()
    billing.wait_for(
        lambda: billing._service.recorder.counters.finished == served
    )  # it counts after it has sent
    assert ledger == Ledger(served * COST, 0)
    assert row.sums["nano_usd"] == served * COST
    assert ledger.used <= round(limit * 1e9)
    assert served >= 2400  # what is left is less than one reservation of each process


@pytest.mark.slow
@pytest.mark.parametrize("on_expired", ["count", "release"])
def test_killed_processes_lose_nothing(shared_url: str, billing: Upstream, on_expired: str) -> None:
    """After half the processes are killed, what was settled stays counted, and so do their reservations if asked for:
    then what is counted is what the upstream bills, or more by what was reserved for the calls under way.
    """  # noqa: D205 - one sentence
    processes = spenders(16, shared_url, billing.base_url, 200, 1000, 3, on_expired)
    counters = billing._service.recorder.counters
    billing.wait_for(lambda: counters.finished > 400, timeout=30)
    for process in processes[:8]:
        process.kill()
    said = [process.communicate()[0].split() for process in processes]
    assert all(figures == ["200", "0"] for figures in said[8:])
    store, io = open_store(shared_url), sync_io()
    ledger = finish(store.ledger(io, total_key(), io.now() + 60))
    store.close()
    assert ledger.held == 0
    if on_expired == "release":
        assert ledger.used % COST == 0
        assert counters.finished - 8 <= ledger.used // COST <= counters.requests
    else:
        most = 200 * 600_000 + 100 * 150_000
        assert counters.requests * COST <= ledger.used <= counters.finished * COST + 8 * most


def total_key() -> str:
    """Name the ledger of the spenders."""
    from ai_client import Labels
    from ai_client.control import Record
    from ai_client.control.windows import NEVER, Window

    return Budget(usd=1, per="total").key(Record(Labels()), Window("total", NEVER))


def test_reading_costs_nothing(invoke: Invoke, upstream: Upstream) -> None:
    """A call that only lists is not counted, even where nothing is left and no price is known."""
    budgets = [Budget(tokens=0, per="total"), Budget(usd=0, per="total")]
    store = open_store()
    client = invoke.client(layers=[Budgets(budgets, store)])
    invoke(client.models.retrieve, "gpt-4o-mini")
    assert held(store) == Ledger(0, 0)
    assert upstream.requests
