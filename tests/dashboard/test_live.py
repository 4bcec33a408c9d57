"""The script of the dashboard's pages: it brings parts up to date around its reader, and stops where nobody reads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ai_client.dashboard import DashboardPage, PageRequest
from tests.support.browser import PATIENCE, chromium
from tests.support.made_up_figures import MadeUpProvider, budget

pytestmark = pytest.mark.slow


@dataclass
class LiveDashboard:
    """A dashboard that is served, over a budget of which more is used each time.

    Attributes:
        url: Its address.
        loads: How often its first page was asked for.
        is_down: Whether its first page is an error.
    """

    url: str = ""
    loads: int = 0
    is_down: bool = False
    provider: MadeUpProvider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = MadeUpProvider(
            budget_states=lambda: [budget("plan", "tenant=acme", self.loads, 1000)]
        )

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve it inside a `with` block."""
        page, live = DashboardPage(public=True), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                path = unquote(parts.path).removeprefix("/ai").lstrip("/")
                live.loads += not path
                answer = page.answer(live.provider, PageRequest("GET", path, parts.query, base="/ai"))
                self.send_response(503 if live.is_down and not path else answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_address[1]}/ai/"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def live() -> Iterator[LiveDashboard]:
    """Serve a dashboard."""
    live = LiveDashboard()
    with live.served():
        yield live


@pytest.fixture
def tab(browser: Any, live: LiveDashboard) -> Iterator[Any]:
    """Open the dashboard; nothing may complain in the console but about a page that could not be had."""
    context = browser.new_context(timezone_id="Asia/Kolkata", locale="en-GB")
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.goto(live.url)
    yield tab
    context.close()
    assert [error for error in errors if "503" not in error] == []


def newer(tab: Any) -> None:
    """Wait until the page shows more than it does now."""
    used = "() => Number(document.querySelector('#budgets .meters data').value)"
    tab.wait_for_function(f"before => ({used})() > before", arg=tab.evaluate(used))


def as_of(tab: Any) -> str:
    """Return when the page was read."""
    return str(tab.locator("#as-of").text_content())


def test_the_reader_keeps_their_place(tab: Any) -> None:
    """Figures change, while what was opened stays open and the focus stays; a part that is selected is left alone."""
    tab.locator("#budgets-table summary").click()
    newer(tab)
    assert tab.locator("#budgets-table").get_attribute("open") is not None
    tab.locator("#budgets-table summary").focus()
    newer(tab)
    assert tab.evaluate("document.activeElement.parentElement.id") == "budgets-table"
    tab.evaluate("document.getSelection().selectAllChildren(document.querySelector('#budgets .meters'))")
    selected = tab.evaluate("document.getSelection().toString()")
    tab.wait_for_function("before => document.getElementById('as-of').textContent !== before", arg=as_of(tab))
    tab.wait_for_function("before => document.getElementById('as-of').textContent !== before", arg=as_of(tab))
    assert tab.evaluate("document.getSelection().toString()") == selected


def test_moments_are_in_the_zone_of_the_browser(tab: Any) -> None:
    """A moment that the server wrote in UTC is shown in the browser's zone, and its machine form stays."""
    shown = tab.locator("#budgets .meters time").first
    assert shown.get_attribute("datetime") == "2026-12-01T00:00:00Z"
    assert "05:30" in shown.inner_text()


def test_a_hidden_tab_asks_nothing(tab: Any, live: LiveDashboard) -> None:
    """A tab that is hidden, or paused, asks for nothing; one that is seen again does at once."""
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"
    newer(tab)
    tab.evaluate(hide % "true" + tell)
    tab.wait_for_timeout(500)
    loads = live.loads
    tab.wait_for_timeout(4000)
    assert live.loads == loads
    tab.evaluate(hide % "false" + tell)
    newer(tab)
    tab.get_by_role("button", name="Pause").click()
    tab.wait_for_timeout(500)
    loads = live.loads
    tab.wait_for_timeout(4000)
    assert live.loads == loads
    assert "Paused" in tab.get_by_role("status").inner_text()
    tab.get_by_role("button", name="Go on").click()
    newer(tab)


def test_a_lost_connection_is_shown(tab: Any, live: LiveDashboard) -> None:
    """What could not be brought up to date stays, with the time since when it is old, until it can."""
    live.is_down = True
    tab.get_by_text("Connection lost at").wait_for()
    assert tab.locator("section").count() == 12
    live.is_down = False
    tab.get_by_text("Live", exact=True).wait_for()


def test_a_column_leads_to_its_calls(tab: Any) -> None:
    """A click on a column of a picture leads where its row in the table does."""
    expected = tab.locator("#tokens-table tbody tr").nth(3).locator("a").first.get_attribute("href")
    tab.locator("#tokens .hit").nth(3).click()
    tab.wait_for_url("**/calls?**")
    assert tab.url.endswith(expected)
