"""The words of the pages: one thing is told from several, and what is not known is not said to be well."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.dashboard.filters import Filters
from ai_client.dashboard.gathering import gather
from ai_client.dashboard.overview import SECTIONS
from ai_client.dashboard.retirement import RetiringModel
from ai_client.dashboard.sections.view import PageView, Section
from ai_client.detector import Detector
from ai_client.operations.export import as_csv
from ai_client.operations.statistics import CallSums, Histogram, Point, StatisticsReport
from ai_client.operations.workers import WorkerState
from tests.support.made_up_figures import NOW, MadeUpProvider, breaker, budget
from tests.support.read_page import Element, ReadPage

BEGIN = datetime(2026, 11, 30, 11, tzinfo=UTC)


def report(**sums: Any) -> StatisticsReport:
    """Return the report of an hour."""
    found = CallSums(**{"duration": Histogram((0, 0, 1), 0.02), **sums})
    point = Point(BEGIN, found)
    return StatisticsReport(
        since=BEGIN,
        until=BEGIN + timedelta(hours=1),
        step=timedelta(hours=1),
        totals=found,
        points=(point,),
        endpoints={"/ask": found},
        models={"m": found},
        tenants={"": found},
    )


def read(provider: Any) -> Element:
    """Return the first page."""
    return ReadPage.of(DashboardPage(public=True).answer(provider, PageRequest("GET", base="/ai")))


def test_one_of_each_is_singular(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is one call, client, connection, balance or day, the sentence about it has the singular."""
    retires = RetiringModel("gpt-4.1", "default", (datetime.now(UTC) + timedelta(days=1)).date(), "", False)
    monkeypatch.setattr("ai_client.dashboard.gathering.retiring_models", lambda *_: [retires])
    figures = dict.fromkeys(("alive", "built", "open", "idle", "in_use", "waiting", "opened", "in_flight"), 1)
    one = report(
        calls=1,
        cancelled=1,
        attempts={"ok": 1},
        cache={"hit": 1},
        saved_tokens=1,
        nano_usd=1,
        unpriced=1,
        input_tokens=1,
    )
    page = read(
        MadeUpProvider(
            statistics_report=lambda **_: one,
            worker_states=lambda: [WorkerState(host="h", pid=1, seen=NOW, **figures)],
            budget_states=lambda: [budget("plan", "all", 1, 2)],
        )
    )
    assert "1 process, 1 client, 1 connection1 call waits for a connection." in page.by_id("processes").text
    assert "0 of 1 call failed and 1 was cancelled" in page.by_id("errors").text
    assert "1 token saved" in page.by_id("cache").text
    assert "1 token:" in page.by_id("tokens").text
    assert "1 billed attempt has no known price and is not in it." in page.by_id("spend").text
    assert "All 1 balances" not in page.by_id("budgets").text
    assert "1 day" in page.by_id("models").text
    assert "1 days" not in page.by_id("models").text


def test_that_nobody_looked_is_not_all_well() -> None:
    """Where the detector is off, the page does not say that no line builds clients; where it looks, it does."""
    nothing = MadeUpProvider(lines=list)
    assert "warn_on_extra_clients=True turns it on." in read(nothing).by_id("detector").text
    detector = Detector(True)
    detector.start()
    try:
        assert "No line of code builds clients" in read(nothing).by_id("detector").text
    finally:
        detector.stop()
    assert "app/views.py:41" in read(MadeUpProvider()).by_id("detector").text  # found by another process


def test_models_that_no_api_lists_are_not_all_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no API says which models it has, the page does not say that none ends soon."""
    monkeypatch.setattr("ai_client.dashboard.gathering.retiring_models", lambda *_: None)
    text = read(MadeUpProvider()).by_id("models").text
    assert "nothing is known of their end" in text
    assert "switched off soon" not in text


def test_why_nothing_was_looked_up_in_the_cache() -> None:
    """Where no call was looked up, the page says whether there is a cache, and which calls it serves."""
    calls = report(calls=3, attempts={"ok": 3})
    without = MadeUpProvider(statistics_report=lambda **_: calls)
    assert 'There is no cache: controls={"cache": {"scope": "tenant"}} turns it on.' in (
        read(without).by_id("cache").text
    )
    unused = MadeUpProvider(
        statistics_report=lambda **_: calls, controls={"cache": {"scope": "tenant"}, "prices": {}}
    )
    text = read(unused).by_id("cache").text
    assert "turns it on" not in text
    assert "texts with temperature=0 or a seed" in text
    assert "the label of its scope" in text


def test_names_that_the_style_cuts_off_are_titles() -> None:
    """A long model or tenant, of which only the beginning may be seen, is said as a whole on request."""
    calls = report(calls=1)
    page = read(MadeUpProvider(statistics_report=lambda **_: calls))
    assert [link.attributes.get("title") for link in page.all("a", class_="name") if link.text == "m"] == [
        "m"
    ] * 2


def test_statistics_that_are_left_out_are_named() -> None:
    """Where the dashboard is on and its statistics are not, sections name these."""
    provider = ClientProvider(api_key="sk-test", controls={"dashboard": True, "statistics": False})
    assert '"statistics": True' in read(provider).by_id("spend").text
    provider.close()


def test_bounds_of_a_picture_differ() -> None:
    """Where hardly any tokens were counted, the labels of the axis are whole numbers, each another one."""
    picture = read(MadeUpProvider(statistics_report=lambda **_: report(calls=1))).by_id("tokens").text
    assert "20100" in picture


def test_a_circuit_that_tries_again_names_no_moment() -> None:
    """Until when no call is sent is said of an open circuit alone: of one that is half open, it is over."""
    page = read(MadeUpProvider(breaker_states=lambda: [breaker("m", "half-open"), breaker("n", "open")]))
    moments = [each for each in page.by_id("breakers").elements if each.name == "time"]
    assert len(moments) == 1


def test_columns_have_names_of_their_own() -> None:
    """No two columns of a table have one name, which a reader who hears them could not tell apart."""
    for each in read(MadeUpProvider()).elements:
        if each.name == "thead":
            heads = [head.text for head in each.elements if head.name == "th"]
            assert len(set(heads)) == len(heads)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_files_without_rows_name_their_columns(section: Section) -> None:
    """CSV of a section has the line of column names with and without rows, and these are the same."""

    def first_line(rows: Any) -> str:
        return as_csv(rows, section.row).partition("\r\n")[0]

    provider = MadeUpProvider()
    view = PageView(PageRequest("GET"), Filters(), gather(provider, Filters()))
    rows = section.rows(view)
    assert rows
    assert first_line([]) == first_line(rows)
