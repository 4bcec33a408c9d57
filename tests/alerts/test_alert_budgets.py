"""Alerts of budgets: once for each share and window, over all processes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client.control import Alert
from ai_client.testing import Upstream
from tests.support.alert_receiver import AlertReceiver
from tests.support.alerting import alerting, ask, soft
from tests.support.forks import in_child, unannounced
from tests.support.waiting import until


def test_a_webhook_is_signed_and_says_what_is_used(upstream: Upstream, receiver: AlertReceiver) -> None:
    """A budget that reaches each share alerts once, by a webhook that this package's client verifies."""
    rule = receiver.rule("budget", at=[50, 100])
    budgets = soft(100, scope="tenant", name="daily")
    provider = alerting(upstream, [rule], budgets=budgets)
    with labels(tenant="acme\nInjected: line"):
        ask(provider, 4)
    provider.close()
    half, whole = receiver.events()
    assert half.type == "ai_client.alert"
    assert half.id != whole.id
    data = half.data
    assert [data[name] for name in ("kind", "value", "limit", "unit", "window")] == [
        "budget",
        50,
        100,
        "tokens",
        "day",
    ]
    assert data["labels"] == {"client": "default", "budget": "daily", "tenant": "acme Injected: line"}
    assert data["title"] == "Budget 'daily' at 50 %: 50 of 100 tokens per day, tenant=acme Injected: line"
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert datetime.fromisoformat(data["since"]) == midnight
    assert midnight.strftime("since %Y-%m-%d 00:00:00 UTC") in data["message"]
    assert "Hello" not in data["message"]
    assert (whole.data["value"], len(receiver.deliveries)) == (100, 2)


def test_tenants_alert_apart(upstream: Upstream) -> None:
    """Each tenant has alerts of its own."""
    heard: list[Alert] = []
    provider = alerting(
        upstream, [{"on": "budget", "at": 50, "to": heard.append}], budgets=soft(100, scope="tenant")
    )
    for tenant in ("a", "b", "a"):
        with labels(tenant=tenant):
            ask(provider)
    provider.close()
    assert [one.labels["tenant"] for one in heard] == ["a", "b"]
    assert [one.kind for one in heard] == ["budget", "budget"]


def test_one_of_several_processes_alerts(upstream: Upstream, shared_url: str) -> None:
    """Of providers that share a store, as processes do, one alerts; and again once the limit was raised."""
    heard: list[Alert] = []

    def process() -> ClientProvider:
        rule = {"on": "budget", "at": 100, "to": heard.append}
        return alerting(upstream, [rule], budgets=soft(100), store=shared_url)

    providers = [process() for _ in range(3)]
    for provider in providers * 2:
        ask(provider)
    until(lambda: heard)
    providers[0].budgets.grant(200)
    for provider in providers:
        ask(provider)
        provider.close()
    assert [one.limit for one in heard] == [100, 300]
    late = process()
    ask(late)
    late.close()
    assert len(heard) == 2


def test_a_mark_below_that_of_the_warning(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """A rule may alert earlier than the budget warns, which goes on to do so by itself."""
    warned: list[Any] = []
    budgets = [{"tokens": 100, "hard": False, "warn_at": 1.0, "on_warning": warned.append}]
    provider = alerting(upstream, [{"on": "budget", "at": 50, "to": "logging"}], budgets=budgets)
    ask(provider)
    assert not warned
    ask(provider)
    provider.close()
    assert len(warned) == 1
    alerts = [one for one in caplog.records if one.name == "ai_client.alerts"]
    assert [(one.levelname, one.__dict__["ai_alert"]) for one in alerts] == [("WARNING", "budget")]


def test_what_hard_budgets_advise(upstream: Upstream) -> None:
    """The alert of a hard budget says what becomes of calls and how to raise it; that of one in total has no end."""
    heard: list[Alert] = []
    rule = {"on": "budget", "at": 50, "to": heard.append}
    budgets = [
        {"requests": 2, "per": "total", "name": "total"},
        {"requests": 2, "per": "hour", "name": "hour"},
    ]
    provider = alerting(upstream, [rule], budgets=budgets)
    ask(provider)
    provider.close()
    total, hour = heard
    assert "refused with BudgetExceeded. To let more through" in total.message
    assert "provider.budgets.grant(" in total.message
    assert f"refused with BudgetExceeded until {datetime.now(UTC):%Y}" in hour.message
    assert total.window == "total"


@pytest.mark.parametrize("fork", [os.fork, unannounced])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_repeats_nothing(
    upstream: Upstream, receiver: AlertReceiver, shared_url: str, fork: Callable[[], int]
) -> None:
    """A forked child delivers nothing that its parent has handed over or delivered, and alerts of what it finds."""
    receiver.hangs = True  # so that the parent is at it while it forks
    provider = alerting(
        upstream, [receiver.rule("budget", at=[50, 100])], budgets=soft(100), store=shared_url
    )
    ask(provider)
    receiver.wait_for(1)

    def work() -> bool:
        ask(provider)
        provider.close()
        return True

    receiver.hangs = False
    assert in_child(work, fork)
    receiver.freed.set()
    provider.close()
    events = receiver.events()
    assert [event.data["value"] for event in events] == [50, 100, 50]
    assert events[0].id == events[2].id  # the parent's second attempt
