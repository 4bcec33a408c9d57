"""The figures of the dashboard are those that the upstream has counted, in each framework, over two workers."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.mixed_calls import TENANTS, planned
from tests.support.policies import running_redis
from tests.support.served_dashboard import SERVERS, ServedDashboard, serving_dashboard
from tests.support.sites.dashboard_site import PATH, TOKEN
from tests.support.visits import visiting

pytestmark = pytest.mark.slow
RESERVED = 4096 * 3000
"""Billionths of a dollar that are reserved for the answer to a call without a limit of its own."""
PLAN = planned(500)
KINDS = Counter(kind for kind, _, _ in PLAN)
CALLS = {
    "plain-model": sum(KINDS[kind] for kind in ("plain", "streamed", "again", "bad", "cut")),
    "other-model": KINDS["cached"],
}
"""Calls by the model that they ask for, but those of an alias."""
NONE_UNDER_WAY = """() => [...document.querySelectorAll(".tiles > div")].some((tile) =>
    tile.querySelector("dt").textContent === "Under way now" && tile.querySelector("data").value === "0")"""


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a store that processes share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    with running_redis(tmp_path) as server:
        yield server.url


def by(rows: list[Mapping[str, str]], name: str, figure: str) -> dict[str, int]:
    """Return a column of a table by another one, without what is 0."""
    return {row[name]: int(row[figure]) for row in rows if row[figure] not in {"", "0"}}


def spent_by(rows: list[Mapping[str, str]], name: str, figure: str = "Spend") -> dict[str, int]:
    """Return a column of USD by another one, in billionths of a dollar."""
    return {row[name]: nano_of(row[figure]) for row in rows}


def nano_of(usd: str | float) -> int:
    """Return USD in billionths of a dollar."""
    return round(float(usd) * 10**9)


def check_page(page: Any, site: ServedDashboard, estimated: Counter[str]) -> None:
    """Hold what the page shows against the plan and what the upstream counted.

    Args:
        page: What `Visit.figures` has read.
        site: The site.
        estimated: Tokens of streams that were cut off, which the upstream did not report, by direction.
    """
    tables, headlines, tiles = page["tables"], page["headlines"], page["tiles"]
    upstream = site.upstream
    # calls
    assert tiles["Calls"] == len(PLAN)
    assert tiles["Failed"] == KINDS["bad"]
    assert headlines["errors"] == [KINDS["bad"], KINDS["cut"]]
    assert by(tables["Errors by class"], "Error", "Calls") == {"BadRequestError": KINDS["bad"]}
    models = by(tables["Cost by model"], "Model", "Calls")
    assert {model: models.get(model) for model in CALLS} == CALLS
    assert sum(models.values()) == len(PLAN)
    assert by(tables["Cost by tenant"], "Tenant", "Calls") == Counter(tenant for _, _, tenant in PLAN)
    assert sum(by(tables["Cost by endpoint"], "Endpoint", "Calls").values()) == len(PLAN)
    assert by(tables["Latency by model"], "Model", "Calls") == models
    # requests
    results: Counter[str] = Counter()
    for (_, status), count in upstream.statuses.items():
        results["ok" if status == 200 else str(status)] += count
    assert by(tables["Requests sent, by result"], "Result", "Requests") == results
    assert headlines["retries"] == [KINDS["again"]]
    # the cache
    asked = sum(count for (model, _), count in upstream.statuses.items() if model == "other-model")
    cached = by(tables["Calls by what the cache did"], "Cache", "Calls")
    kept = cached.get("Answered from the cache", 0) + cached.get("Shared with a call under way", 0)
    assert kept == KINDS["cached"] - asked
    # tokens and money, exact to a billionth of a dollar
    went_in = upstream.input.total() + estimated["input"]
    came_out = upstream.output.total() + estimated["output"]
    nano = went_in * 1000 + came_out * 3000
    assert headlines["tokens"][0] == tiles["Tokens"] == went_in + came_out
    assert went_in in headlines["tokens"]
    assert came_out in headlines["tokens"]
    assert nano_of(headlines["spend"][0]) == nano_of(tiles["Spend"]) == nano
    for label in ("endpoint", "model", "tenant"):
        assert sum(spent_by(tables[f"Cost by {label}"], label.capitalize()).values()) == nano
    used = spent_by(tables["Balances of budgets"], "Of", "Used")
    spent = spent_by(tables["Cost by tenant"], "Tenant")
    for tenant in TENANTS:  # budgets count all that was reserved for a stream that was cut off
        cut = sum(kind == "cut" and of == tenant for kind, _, of in PLAN)
        assert round((used[f"tenant={tenant}"] - spent[tenant]) / RESERVED) == cut
    # processes
    processes = tables["Clients and connections by process"]
    assert len(processes) == 2
    assert {row["Clients"] for row in processes} == {row["Built"] for row in processes} == {"1"}


@pytest.mark.parametrize("framework", SERVERS)
def test_figures_are_those_of_the_upstream(browser: Any, framework: str, store: str) -> None:
    """After 500 calls of every kind over two workers, the page, its files and the calls behind it agree with it."""
    with serving_dashboard(framework, store) as site:
        assert len(site.ask(f"/calls/{tenant}/{kind}/{number}" for kind, number, tenant in PLAN)) == 2
        sections = site.settled(len(PLAN))
        with httpx.Client(base_url=site.url, timeout=60, auth=("anyone", TOKEN)) as http:
            calls = http.get(f"{PATH}/calls/data.json").json()["calls"]
            file = http.get(f"{PATH}/data.csv", params={"section": "cost", "range": "1h"}).text
        assert Counter(call["outcome"] for call in calls) == {
            "ok": len(PLAN) - KINDS["bad"] - KINDS["cut"],
            "error": KINDS["bad"],
            "cancelled": KINDS["cut"],
        }
        cut = [call for call in calls if call["usage_source"] == "estimated"]
        assert len(cut) == KINDS["cut"]
        estimated = Counter(
            {each: sum(call[f"{each}_tokens"] for call in cut) for each in ("input", "output")}
        )
        with visiting(browser, site.url) as visit:
            visit.open("/?range=1h")
            visit.page.wait_for_function(NONE_UNDER_WAY)  # a process tells others every few seconds
            page = visit.figures()
            check_page(page, site, estimated)
            visit.page.locator("#errors .headline a").first.click()
            visit.page.wait_for_url("**/calls?*outcome=error*")
            visit.open("/?range=1h&tenant=acme")
            assert visit.figures()["tiles"]["Calls"] == sum(tenant == "acme" for _, _, tenant in PLAN)
        rows = list(csv.DictReader(io.StringIO(file)))
        for label in ("endpoint", "model", "tenant"):
            assert by([row for row in rows if row["by"] == label], "name", "calls") == by(
                page["tables"][f"Cost by {label}"], label.capitalize(), "Calls"
            )
        assert sections["errors"]["totals"] == {
            "calls": len(PLAN),
            "errors": KINDS["bad"],
            "cancelled": KINDS["cut"],
        }
