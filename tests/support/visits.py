"""Visits of the dashboard in a browser: what it shows there, and what it asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from tests.support.browser import PATIENCE
from tests.support.sites.dashboard_site import PATH, TOKEN

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_READ = """() => {
    const value = (cell) => {
        const data = cell.querySelector("data");
        return data ? data.value : cell.textContent.trim();
    };
    const tables = {};
    for (const table of document.querySelectorAll("table")) {
        const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
        const name = (row) => (row.querySelector("th .name") ?? row.querySelector("th")).textContent.trim();
        tables[table.caption.textContent] = [...table.querySelectorAll("tbody tr")].map((row) =>
            Object.fromEntries([...row.children].map(
                (cell, at) => [heads[at], at ? value(cell) : cell.querySelector("data") ? value(cell) : name(row)])));
    }
    const headlines = {};
    for (const section of document.querySelectorAll("section[id]")) {
        headlines[section.id] = [...section.querySelectorAll(".headline data")].map((data) => Number(data.value));
    }
    const tiles = Object.fromEntries([...document.querySelectorAll(".tiles > div")].map(
        (tile) => [tile.querySelector("dt").textContent, Number(value(tile.querySelector("dd")))]));
    return { tables, headlines, tiles };
}"""


class Visit:
    """A browser of one reader, with a tab.

    Args:
        page: Playwright's own page.
        url: The address of the server.

    Attributes:
        page: As given.
        errors: What the console complained about.
        foreign: Addresses outside the server that were asked for.
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self._url = url
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._logged)
        page.on("request", self._asked)
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))

    def _logged(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"{self._url}/", "data:")):
            self.foreign.append(request.url)

    def open(self, path: str = "/") -> Any:
        """Go to a page of the dashboard, and return the response."""
        return self.page.goto(f"{self._url}{PATH}{path}")

    def figures(self) -> Any:
        """Read the tables by caption, the figures of headlines by section, and the tiles by name."""
        return self.page.evaluate(_READ)

    def faults(self) -> list[str]:
        """Return what axe finds that is not accessible, whatever its impact."""
        self.page.evaluate(_AXE)
        found = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
        return [
            f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


@contextmanager
def visiting(
    browser: Any, url: str, *, width: int = 1280, scheme: str = "light", **options: Any
) -> Iterator[Visit]:
    """Open a browser of a reader who has the token; at the end nothing is in its console and nothing foreign was asked.

    Args:
        browser: Chromium.
        url: The address of the server.
        width: That of the window, in pixels.
        scheme: `light` or `dark`.
        options: Further options of Playwright's contexts.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
        http_credentials={"username": "anyone", "password": TOKEN},
        **options,
    )
    context.set_default_timeout(PATIENCE)
    try:
        visit = Visit(context.new_page(), url)
        yield visit
        assert visit.errors == []
        assert visit.foreign == []
    finally:
        context.close()
