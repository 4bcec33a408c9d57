"""The first page: its sections, their figures in all formats, filters and links."""

import csv
import io
import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.operations import RenderedPage
from tests.support.made_up_figures import MadeUpProvider, budget, report
from tests.support.read_page import Element, ReadPage

NAMES = [
    "spend",
    "budgets",
    "cost",
    "latency",
    "errors",
    "retries",
    "breakers",
    "cache",
    "tokens",
    "processes",
    "detector",
    "models",
]


def ask(path: str = "", query: str = "", provider: Any = None) -> RenderedPage:
    """Return the answer of a dashboard at /ai."""
    page = DashboardPage(public=True)
    return page.answer(provider or MadeUpProvider(), PageRequest("GET", path, query, base="/ai"))


def read(query: str = "", provider: Any = None) -> Element:
    """Return the first page."""
    answer = ask("", query, provider)
    assert answer.status == 200
    return ReadPage.of(answer)


def data(query: str = "", provider: Any = None) -> Any:
    """Return the data of the first page, with exact numbers."""
    answer = ask("data.json", query, provider)
    assert answer.status == 200
    return json.loads(answer.body, parse_float=Decimal)["sections"]


def test_sections_stand_in_the_order_in_which_teams_ask() -> None:
    """Each section has a heading, its data as CSV and JSON, and is swapped by the script."""
    page = read()
    sections = page.all("section")
    assert [section.attributes["id"] for section in sections] == NAMES
    for section in sections:
        assert "data-live" in section.attributes
        assert section.all("h2")[0].text
        name = section.attributes["id"]
        assert {f"/ai/data.csv?section={name}", f"/ai/data.json?section={name}"} <= set(section.links)
    assert not [each for each in page.elements if {"style", "onclick", "onload"} & each.attributes.keys()]
    assert [each.attributes["src"].partition("?")[0] for each in page.all("script")] == [
        "/ai/assets/script.js"
    ]
    ids = Counter(each.attributes["id"] for each in page.elements if "id" in each.attributes)
    assert [name for name, number in ids.items() if number > 1] == []


def test_pictures_are_described() -> None:
    """Each picture over time has a title, a description and a table with a row for each point of time."""
    page = read("range=1h")
    pictures = page.all("svg", role="img")
    assert len(pictures) == 4
    for picture in pictures:
        title, description = (page.by_id(name) for name in picture.attributes["aria-labelledby"].split())
        assert title.text
        assert description.text
        name = title.attributes["id"].removesuffix("-plot-title")
        rows = page.by_id(f"{name}-table").all("tbody")[0].all("tr")
        assert len(rows) == len(picture.all("rect", class_="hit")) == 60
        assert all(row.links for row in rows) or name == "errors"
    assert all(
        each.attributes.get("aria-hidden") == "true" for each in page.all("svg") if each not in pictures
    )


def test_json_has_the_figures_of_the_page() -> None:
    """Each figure that a section shows of its rows is in its JSON, and the other way round."""
    page, sections = read(), data()
    assert list(sections) == NAMES
    expected = {
        "spend": ("usd", "calls", "unpriced"),
        "cost": ("usd", "calls", "errors"),
        "latency": ("calls", "p50", "p95", "first_item_p50", "first_item_p95"),
        "errors": ("calls",),
        "retries": ("attempts",),
        "cache": ("calls",),
        "tokens": ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"),
        "breakers": ("failures",),
        "budgets": ("used", "held", "limit", "remaining"),
        "processes": ("in_flight", "alive", "built", "open", "in_use", "idle", "waiting", "opened"),
        "detector": ("count",),
    }
    for name, columns in expected.items():
        rows = sections[name]["rows"]
        assert rows
        shown = {Decimal(value) for value in page.by_id(name).figures if value}
        wanted = {Decimal(row[column]) for row in rows for column in columns if row[column] is not None}
        assert wanted <= shown, name
        totals = {Decimal(each) for each in sections[name].get("totals", {}).values()}
        known = {Decimal(value) for row in rows for value in row.values() if isinstance(value, int | Decimal)}
        if name not in {"latency", "tokens", "errors"}:  # which show points of time besides, and a sum
            assert shown <= known | totals, name
    totals = sections["spend"]["totals"]
    assert [page.by_id("summary").figures[at] for at in (0, 1)] == [str(totals["usd"]), str(totals["calls"])]


def test_each_section_is_a_file_without_formulas() -> None:
    """The CSV of a section has its rows, and no name in it is a formula for a spreadsheet."""
    provider = MadeUpProvider(budget_states=lambda: [budget("=cmd()", "tenant=@evil", 1, 2)])
    for name in NAMES:
        answer = ask("data.csv", f"section={name}", provider)
        assert answer.status == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="ai-calls-{name}.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        assert len(rows) == len(data(f"section={name}", provider)[name]["rows"]) > 0
    budgets = ask("data.csv", "section=budgets", provider).body.decode()
    assert "'=cmd()" in budgets
    (row,) = csv.DictReader(io.StringIO(budgets, newline=""))
    assert row["used"] == "1"


@pytest.mark.parametrize("query", ["", "section=", "section=other"])
def test_an_unknown_section_is_named(query: str) -> None:
    """A file of no section is refused with the names that there are."""
    answer = ask("data.csv", query)
    assert answer.status == 400
    assert "spend, budgets" in answer.body.decode()


def test_filters_choose_the_calls() -> None:
    """The range and the labels of the URL are asked for once, and every link keeps them."""
    provider = MadeUpProvider()
    page = read("range=7d&tenant=a%26b&model=*&endpoint=", provider)
    span = timedelta(days=7)
    assert provider.asked == [{"since": span, "tenant": "a&b", "endpoint": ""}, {"since": span}]
    chosen = {
        select.attributes["name"]: option.attributes["value"]
        for select in page.all("select")
        for option in select.all("option")
        if "selected" in option.attributes
    }
    assert chosen == {"endpoint": "", "model": "*", "tenant": "a&b"}
    for link in page.links:
        if urlsplit(link).path == "/ai/calls" and "since=" in link and link.count("tenant=a%26b"):
            assert "endpoint=" in link
    ranges = page.all("nav", class_="ranges")[0]
    assert all("tenant=a%26b" in link for link in ranges.links)
    assert [each.text for each in ranges.all("a") if "aria-current" in each.attributes] == ["7 days"]
    plain = MadeUpProvider()
    read("range=no&endpoint=*", plain)
    assert plain.asked == [{"since": timedelta(hours=24)}]


def test_filters_choose_the_balances() -> None:
    """Of budgets, those are shown in which calls with the chosen labels count; a bar in a name is no end of it."""
    states = [
        budget("a", "all", 1, 9),
        budget("b", "tenant=x||y", 2, 9),
        budget("c", "tenant=z", 3, 9),
        budget("d", "endpoint=/ask|tenant=x||y", 4, 9),
        budget("e", "endpoint=/ask|tenant=z", 5, 9),
        budget("f", "all|account=9f", 6, 9),
    ]
    provider = MadeUpProvider(budget_states=lambda: states)
    rows = data("section=budgets&tenant=x%7Cy", provider)["budgets"]["rows"]
    assert [row["name"] for row in rows] == ["f", "d", "b", "a"]


def test_figures_lead_to_the_calls_behind_them() -> None:
    """Cost leads to the calls of its endpoint, failures to those that failed, a column to its hour."""
    page = read()
    found = [parse_qs(urlsplit(link).query) for link in page.by_id("cost").links if "/calls?" in link]
    assert {"endpoint": ["/summaries/{id}"], "since": ["2026-11-29T11:30:00Z"]} in found
    assert {"endpoint": ["/ask"], "since": ["2026-11-29T11:30:00Z"], "outcome": ["error"]} in found
    assert any("endpoint=&" in link for link in page.by_id("cost").links)
    hour = parse_qs(urlsplit(page.by_id("tokens-table").links[0]).query)
    assert hour == {"since": ["2026-11-29T11:30:00Z"], "until": ["2026-11-29T12:30:00Z"]}
    assert any("error=RateLimitError" in link for link in page.by_id("errors").links)
    assert any("cache=hit" in link for link in page.by_id("cache").links)
    budgets = [link for link in page.by_id("budgets").links if "/calls?" in link]
    assert "/ai/calls?since=2026-11-30T00%3A00%3A00Z&tenant=acme" in budgets


def test_long_lists_are_cut_where_the_file_is_whole() -> None:
    """A page shows the first 200 of a thousand tenants, and says how many more there are."""
    names = {f"t{number}": report(timedelta(hours=1)).totals for number in range(1000)}

    def crowded(**_: Any) -> Any:
        found = report(timedelta(hours=24))
        return type(found)(
            **{
                **{name: getattr(found, name) for name in found.__slots__},
                "tenants": names,
            }
        )

    provider = MadeUpProvider(statistics_report=crowded)
    listed = read("", provider).by_id("cost-tenant")
    assert len(listed.all("tbody")[0].all("tr")) == 200
    assert "800 more rows are in the CSV" in listed.text
    rows = ask("data.csv", "section=cost", provider).body.decode().splitlines()
    assert sum(row.startswith("tenant,") for row in rows) == 1000
