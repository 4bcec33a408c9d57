"""The list of calls: grouped by web request, filtered by its URL, paged without repeats, and as CSV and JSON."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.dashboard.calls.groups import groups_of
from ai_client.dashboard.calls.request_line import request_line_of
from tests.support.journal import MadeUpJournal, ProviderWithJournal, attempt, call

EVIL = "<script>alert(1)</script>'\"&\u202e=cmd()"


def shown(journal: MadeUpJournal, query: str = "", path: str = "calls") -> Any:
    """Return the answer to a request for the list."""
    provider = ProviderWithJournal(journal)
    return DashboardPage(public=True).answer(provider, PageRequest("GET", path, query, base="/ai"))


def text_of(journal: MadeUpJournal, query: str = "", path: str = "calls") -> str:
    """Return the body of the answer."""
    answer = shown(journal, query, path)
    assert answer.status == 200
    return answer.body.decode()


def ids_in(text: str) -> list[str]:
    """Return the ids of the calls that a page lists, in order."""
    return re.findall(r'href="/ai/calls/(\d+)"', text)


def test_calls_of_a_web_request_stand_together() -> None:
    """Calls of one request stand under one heading with endpoint, tenant and sums, also where others came between."""
    journal = MadeUpJournal(
        [
            call(1, request="r1", seconds=1.0, nano_usd=1_000_000),
            call(2, request="r2", endpoint="/other", tenant=None),
            call(
                3, request="r1", seconds=2.0, nano_usd=None, unpriced=True, outcome="error", error="Timeout"
            ),
            call(4),
        ]
    )
    (alone, first, second) = groups_of(journal.entries())
    assert [one.request for one in (alone, first, second)] == [None, "r1", "r2"]
    assert (first.seconds, first.nano_usd, first.unpriced, first.failed) == (3.0, 1_000_000, 1, 1)
    text = text_of(journal)
    assert ids_in(text) == ["00000004", "00000003", "00000001", "00000002"]
    (heading,) = re.findall(r'<th scope="rowgroup".*?</th>', text)
    for part in (
        "/ask/{topic}",
        "tenant acme",
        "2 calls",
        "1 failed",
        "$0.0010 and 1 unpriced",
        "3.00\u202fs",
    ):
        assert part in heading
    assert 'href="/ai/calls?request=r1"' in heading


def test_a_heading_says_whether_it_sums_up_all() -> None:
    """Where calls of a web request may be missing, by a filter or on another page, the heading sums up those shown."""
    journal = MadeUpJournal(
        [call(1, request="r1"), call(2, request="r1"), call(3, request="r1", tenant=None)]
    )
    assert "3 calls<" in text_of(journal)
    assert "2 calls shown<" in text_of(journal, "tenant=acme")
    assert "2 calls shown<" in text_of(journal, "before=00000003")
    assert "3 calls<" in text_of(journal, "request=r1")
    for number in range(4, 60):
        journal.add(call(number, request=f"r{number // 2}"))
    assert "2 calls shown<" in text_of(journal)


def test_a_web_request_has_a_time_line() -> None:
    """The calls of a web request are shown over time, from the beginning of the first one, where all are there."""
    journal = MadeUpJournal(
        [
            call(1, request="r1", seconds=2.0, stream=True, first_item=0.5),
            call(2, request="r1", seconds=0.5, outcome="error", error="Timeout"),
            call(3, request="r1", seconds=3.0),
        ]
    )
    line = request_line_of(journal.entries())
    assert [[(phase.kind, phase.begin, phase.end) for phase in lane.phases] for lane in line.lanes] == [
        [("first", 0.0, 0.5), ("stream", 0.5, 2.0)],
        [("failed", 1.0, 1.5)],
        [("answered", 2.0, 5.0)],
    ]
    assert "<svg" in text_of(journal, "request=r1")
    assert "<svg" not in text_of(journal, "request=r1&tenant=acme")
    assert "<svg" not in text_of(journal)


def test_a_row_has_the_facts() -> None:
    """A row says what became of the call, who served it, its attempts and pauses, cache, tokens, cost and times."""
    tried = (attempt(1, error="RateLimitError", status=429, pause=1.5), attempt(2, began=1.9))
    entry = call(target="azure/gpt-5.5", attempts=tried, cache="miss", seconds=2.5, first_item=2.25)
    text = text_of(MadeUpJournal([entry]))
    for part in ("Answered", "served by azure/gpt-5.5", "1.50\u202fs waited", "miss", "120", "45", "$0.0012"):
        assert part in text
    assert "2.50\u202fs" in text
    assert "2.25\u202fs" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("endpoint=/a&model=*&tenant=*&outcome=*&error=*&cache=*&request=&range=*", [2, 1]),
        ("tenant=", [3]),
        ("model=llama", [4]),
        ("outcome=error", [2]),
        ("error=RateLimitError", [2]),
        ("cache=hit", [1]),
        ("request=r9", [3]),
        ("outcome=error&cache=hit", []),
        ("since=2026-11-30T12:00:03Z", [4, 3]),
        ("until=2026-11-30T12:00:03%2B00:00", [2, 1]),
        ("since=2026-11-30T13:00:03%2B01:00&until=2026-11-30T12:00:04", [3]),
        ("before=00000003", [2, 1]),
    ],
)
def test_the_url_chooses_calls(query: str, found: list[int]) -> None:
    """Each parameter of the URL, as a form sends it too, leaves the calls that have it."""
    journal = MadeUpJournal(
        [
            call(1, endpoint="/a", cache="hit"),
            call(2, endpoint="/a", outcome="error", error="RateLimitError", status=429),
            call(3, tenant=None, request="r9"),
            call(4, target="llama"),
        ]
    )
    assert [int(one) for one in ids_in(text_of(journal, query))] == found
    assert text_of(journal, query, "calls/data.csv").count("\r\n") == len(found) + 1


def test_a_range_ends_now() -> None:
    """A range of time shows the calls of its length up to now."""
    now = datetime.now(UTC)
    journal = MadeUpJournal([call(1, at=now - timedelta(hours=2)), call(2, at=now - timedelta(minutes=2))])
    assert ids_in(text_of(journal, "range=1h")) == ["00000002"]
    assert ids_in(text_of(journal, "range=24h")) == ["00000002", "00000001"]


@pytest.mark.parametrize("query", ["outcome=perhaps", "cache=cold", "since=yesterday", "range=1y"])
def test_a_wrong_filter_is_said(query: str) -> None:
    """A parameter that means nothing is named, and no call is shown that it might not have meant."""
    answer = shown(MadeUpJournal([call(1)]), query)
    assert answer.status == 400
    text = answer.body.decode()
    assert f"{query.partition('=')[0]} must be" in text
    assert not ids_in(text)


def test_pages_repeat_and_miss_nothing_while_calls_come_in() -> None:
    """Whoever follows the link to older calls sees each call once, however many new ones come in meanwhile."""
    journal = MadeUpJournal([call(number, request=f"r{number % 7}") for number in range(1, 131)])
    seen: list[str] = []
    query = "tenant=acme"
    for page in range(3):
        text = text_of(journal, query)
        seen += ids_in(text)
        link = re.search(r'href="/ai/calls\?([^"]*)"[^>]*rel="next"', text)
        assert (link is None) == (page == 2)
        if link is not None:
            query = link[1].replace("&amp;", "&")
            assert "tenant=acme" in query
        for number in range(200 + 10 * page, 210 + 10 * page):
            journal.add(call(number))
    assert sorted(seen) == [f"{number:08d}" for number in range(1, 131)]


def test_the_form_shows_what_is_chosen() -> None:
    """The form sends GET to the list, and holds what the URL has chosen, of which nothing is lost in the next one."""
    text = text_of(
        MadeUpJournal([call(1)]), "tenant=&model=rare&outcome=ok&request=r1&since=2026-11-30T12:00:00Z"
    )
    assert 'action="/ai/calls" method="get"' in text
    for part in (
        '<option value="" selected>(none)',
        '<option value="rare" selected>',
        '<option value="ok" selected>',
        'name="request" value="r1"',
        'name="since" value="2026-11-30T12:00:00Z"',
    ):
        assert part in text


def test_the_list_says_what_is_kept() -> None:
    """The page says how many calls are kept of how many at most, since when, and how many were left out."""
    text = text_of(MadeUpJournal([call(1), call(2)]))
    assert "2 calls are kept of at most 10,000" in text
    assert "2026-11-30T12:00:01" in text
    assert "3 were left out" in text
    assert "1 call is kept of at most 10,000" in text_of(MadeUpJournal([call(1)]))
    assert "No call was made yet" in text_of(MadeUpJournal())
    assert "No call that is kept is like that" in text_of(MadeUpJournal([call(1)]), "outcome=error")


def test_files_have_the_same_calls() -> None:
    """CSV and JSON have the calls of the page with exact costs; JSON leads to older ones."""
    journal = MadeUpJournal([call(number) for number in range(1, 1203)])
    assert 'href="/ai/calls/data.csv?outcome=ok"' in text_of(journal, "outcome=ok")
    rows = list(csv.DictReader(io.StringIO(text_of(journal, path="calls/data.csv"), newline="")))
    assert len(rows) == 1000
    assert (rows[0]["id"], rows[0]["usd"]) == ("00001202", "0.00123")
    first = json.loads(text_of(journal, "tenant=acme", "calls/data.json"))
    assert first["calls"][0]["attempts"][0]["first_byte"] == 0.37
    assert first["older"] == "/ai/calls/data.json?tenant=acme&before=00000203"
    rest = json.loads(text_of(journal, first["older"].partition("?")[2], "calls/data.json"))
    assert [one["id"] for one in rest["calls"]][::201] == ["00000202", "00000001"]
    assert rest["older"] is None


def test_hostile_texts_are_inert() -> None:
    """Texts of labels, models and errors are text on the page and in the files, in each place that has them."""
    entry = call(
        1,
        endpoint=EVIL,
        tenant=EVIL,
        model=EVIL,
        target=f"x{EVIL}",
        error=EVIL,
        outcome="error",
        cache=EVIL,
        request=EVIL,
        attempts=(),
    )
    journal = MadeUpJournal([entry, call(2, request=EVIL)])
    for query in ("", "tenant=%3Cscript%3E", f"outcome={EVIL}".replace("&", "%26"), "since=%3Cscript%3E"):
        text = shown(journal, query).body.decode()
        assert "<script>" not in text
        assert "alert" not in "".join(re.findall(r"<[^>]*>", re.sub(r'"[^"]*"', "", text)))
    assert "'=" in text_of(MadeUpJournal([call(1, tenant="=cmd()")]), path="calls/data.csv")


def test_without_a_journal_the_page_says_how_to_have_one() -> None:
    """Where no control keeps calls, the page names it and is no error."""
    provider = ClientProvider(api_key="sk-test")
    answer = DashboardPage(public=True).answer(provider, PageRequest("GET", "calls"))
    assert answer.status == 200
    assert "journal" in answer.body.decode()


@pytest.mark.parametrize(
    "path", ["calls/", "calls/nothing", "calls/data.csv/x", "calls/00000001/x", "calls/../x"]
)
def test_other_paths_are_no_pages(path: str) -> None:
    """A path without a call is not found, except the list with a slash behind it."""
    assert shown(MadeUpJournal([call(1)]), path=path).status == (200 if path == "calls/" else 404)


def test_what_is_brought_up_to_date_can_be_found() -> None:
    """Each part that the script swaps has an id of its own, the link to older calls and the number kept among them."""
    text = text_of(MadeUpJournal([call(number) for number in range(60)]))
    live = [tag for tag in re.findall(r"<[^>]+>", text) if "data-live" in tag]
    ids = [found[1] for tag in live if (found := re.search(r' id="([^"]+)"', tag))]
    assert len(ids) == len(set(ids)) == len(live)
    assert {"list", "pages", "kept"} <= set(ids)


def test_long_names_are_cut() -> None:
    """A name of hundreds of characters takes a few lines; the whole is its title, and on the call's page."""
    long = "t" * 200
    shown_name = f'<span title="{long}">{long[:79]}\u2026</span>'
    alone = MadeUpJournal([call(1, tenant=long, model=long, endpoint=long)])
    assert text_of(alone).count(shown_name) == 3
    several = MadeUpJournal([call(number, request="r", tenant=long, path=long) for number in (1, 2)])
    assert text_of(several).count(shown_name) == 3
    assert f">{long}<" in text_of(alone, path="calls/00000001")


@pytest.mark.parametrize("file", ["data.csv", "data.json"])
def test_a_program_gets_no_page(file: str) -> None:
    """Who asks for CSV or JSON that cannot be had is told why in plain text."""
    provider = ClientProvider(api_key="sk-test")
    answer = DashboardPage(public=True).answer(provider, PageRequest("GET", f"calls/{file}"))
    assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert b"'journal'" in answer.body


def test_a_file_without_calls_names_its_columns() -> None:
    """CSV has the line of column names where no call is chosen too, the same as with calls."""
    journal = MadeUpJournal([call(1)])
    whole, empty = (text_of(journal, query, "calls/data.csv") for query in ("", "tenant=nobody"))
    assert empty == whole.partition("\r\n")[0] + "\r\n"
