"""The first page where something is missing: off, down, empty, failed, hostile."""

import logging
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.errors import ConfigError, StoreError
from ai_client.operations import HealthReport
from ai_client.operations.health import Reason
from ai_client.operations.statistics import CallSums, StatisticsReport
from ai_client.operations.workers import ExtraClientLine
from tests.support.made_up_figures import MadeUpProvider, breaker, budget, raising, report
from tests.support.read_page import Element, ReadPage

HOSTILE = "<script>alert(1)</script>\"'&<b onclick=x>\x00\x1b[31m\ud800=cmd()"


def read(provider: Any, query: str = "") -> Element:
    """Return the first page over a provider."""
    answer = DashboardPage(public=True).answer(provider, PageRequest("GET", "", query, base="/ai"))
    assert answer.status == 200
    return ReadPage.of(answer)


def test_without_controls_each_section_names_the_one() -> None:
    """Where nothing is recorded, each section says in one line what turns it on; the process is shown all the same."""
    off = raising(ConfigError("The controls have no 'statistics': add it to 'controls' to have this."))
    page = read(
        MadeUpProvider(
            statistics_report=off, budget_states=off, breaker_states=off, worker_states=off, lines=off
        )
    )
    for name in ("spend", "cost", "latency", "errors", "retries", "cache", "tokens"):
        assert 'controls={"dashboard": True, "statistics": True} turns it on.' in page.by_id(name).text
    assert '"budgets": [' in page.by_id("budgets").text
    assert '"breaker": {' in page.by_id("breakers").text
    assert "which shows this page" in page.by_id("processes").text
    assert "warn_on_extra_clients=True turns it on." in page.by_id("detector").text


def test_without_calls_sections_say_so() -> None:
    """Where there were no calls in the range, sections about calls say that instead of empty pictures."""
    at = datetime(2026, 11, 30, tzinfo=UTC)
    empty = StatisticsReport(
        since=at,
        until=at,
        step=timedelta(hours=1),
        totals=CallSums(),
        points=(),
        endpoints={},
        models={},
        tenants={},
    )
    page = read(MadeUpProvider(statistics_report=lambda **_: empty, budget_states=list, lines=list))
    for name in ("spend", "cost", "latency", "errors", "retries", "cache", "tokens"):
        assert page.by_id(name).text.endswith("No calls in this time.")
    assert page.by_id("summary").text.startswith("Spend$0")
    assert "Nothing has been spent" in page.by_id("budgets").text


def test_a_store_that_is_down_hides_nothing_else() -> None:
    """Sections that need the store say that it is down; those that do not are shown."""
    down = raising(StoreError("The store failed (ConnectionError)."))
    page = read(MadeUpProvider(statistics_report=down, budget_states=down, worker_states=down, lines=down))
    assert "The store failed (ConnectionError)." in page.by_id("spend").text
    assert "half-open" in page.by_id("breakers").text
    assert "which shows this page" in page.by_id("processes").text
    assert not [each for each in page.elements if each.attributes.get("id") == "summary"]


def test_a_store_that_is_silent_is_asked_nothing_more() -> None:
    """Where the store does not answer its probe, no section waits for it."""
    asked = raising(AssertionError("the store was asked"))
    health = HealthReport("degraded", (Reason("store", "The store did not answer within 1 s."),))
    provider = MadeUpProvider(
        health_report=lambda: health,
        statistics_report=asked,
        budget_states=asked,
        worker_states=asked,
        lines=asked,
    )
    page = read(provider)
    assert page.by_id("health").text == "The store did not answer within 1 s."
    assert "The store does not answer." in page.by_id("cost").text
    assert "half-open" in page.by_id("breakers").text  # which are this process's own


def test_a_real_store_that_is_silent_keeps_nobody() -> None:
    """With a Redis that takes connections and says nothing, the page comes after its probe, circuits included."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        controls = {
            "store": f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
            "budgets": [{"usd": 1, "per": "day"}],
            "models": {"small": ["one", "two"]},
        }
        for shared in (False, True):
            provider = ClientProvider(
                api_key="sk-test", controls={**controls, "breaker": {"failures": 5, "shared": shared}}
            )
            begin = time.monotonic()
            page = read(provider)
            assert time.monotonic() - begin < 20  # each section for itself would wait longer
            assert "The store does not answer." in page.by_id("budgets").text
            assert ("closed" in page.by_id("breakers").text) is not shared
            provider.close()


def test_a_section_that_fails_takes_none_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of one part is shown in its section without its text, and is in the log."""
    broken = report(timedelta(hours=24))
    object.__setattr__(broken, "models", None)
    with caplog.at_level(logging.ERROR, "ai_client.dashboard"):
        page = read(
            MadeUpProvider(
                statistics_report=lambda **_: broken, breaker_states=raising(RuntimeError("sk-secret"))
            )
        )
    assert "AttributeError" in page.by_id("latency").text
    assert "RuntimeError" in page.by_id("breakers").text
    assert "sk-secret" not in page.text
    assert page.by_id("spend").figures
    assert {"The section latency of the dashboard failed.", "The dashboard cannot show the circuits."} <= {
        record.getMessage() for record in caplog.records
    }


def test_hostile_names_are_text() -> None:
    """Names of endpoints, models, tenants, budgets, targets and lines are shown as they are, and are never markup."""
    plain = report(timedelta(hours=24))
    sums = plain.totals
    object.__setattr__(sums, "errors_by_class", {HOSTILE: 7})
    object.__setattr__(sums, "attempts", {HOSTILE: 7})
    object.__setattr__(sums, "cache", {HOSTILE: 7})
    for name in ("endpoints", "models", "tenants"):
        object.__setattr__(plain, name, {HOSTILE: sums})
    provider = MadeUpProvider(
        statistics_report=lambda **_: plain,
        budget_states=lambda: [budget(HOSTILE, f"user={HOSTILE}", 1, 2)],
        breaker_states=lambda: [breaker(HOSTILE, "open", account=HOSTILE)],
        lines=lambda: [ExtraClientLine(HOSTILE, HOSTILE, 3)],
        health_report=lambda: HealthReport("degraded", (Reason("pool", HOSTILE),)),
    )
    page = read(provider, "tenant=%3Cscript%3Ealert(2)%3C%2Fscript%3E")
    assert len(page.all("script")) == 1
    assert not page.all("b", onclick="x")
    shown = HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    for name in (
        "cost",
        "latency",
        "errors",
        "retries",
        "cache",
        "budgets",
        "breakers",
        "detector",
        "health",
    ):
        assert shown in page.by_id(name).text, name
    assert "<script>alert(2)</script>" in [option.attributes["value"] for option in page.all("option")]
    for path in ("data.json", "data.csv"):
        answer = DashboardPage(public=True).answer(
            provider, PageRequest("GET", path, "section=cost", base="/ai")
        )
        assert answer.status == 200
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_provider_without_controls_has_a_page() -> None:
    """A provider as it is built without options is shown with what it knows."""
    provider = ClientProvider(api_key="sk-test")
    page = read(provider)
    assert "turns it on" in page.by_id("budgets").text
    assert page.by_id("processes").figures
