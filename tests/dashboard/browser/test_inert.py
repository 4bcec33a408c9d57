"""Text from models, tenants and prompts is shown as text, and so is what a URL holds."""

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.served_dashboard import ServedDashboard
from tests.support.sites.dashboard_site import HOSTILE, PATH
from tests.support.visits import Visit, visiting

pytestmark = pytest.mark.slow
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def assert_inert(visit: Visit) -> None:
    """Assert that a page runs nothing, loads nothing and leads nowhere that its texts asked for."""
    page = visit.page
    page.evaluate("document.querySelectorAll('details').forEach((found) => found.open = true)")
    assert page.title() != "broken"
    assert page.locator("script:not([src]), [onerror], [onload], main img, main iframe, [style]").count() == 0
    schemes = page.evaluate("[...document.links].map((link) => link.protocol)")
    assert set(schemes) == {"http:"}
    hosts = page.evaluate("[...document.links].map((link) => link.host)")
    assert set(hosts) == {page.evaluate("location.host")}


def test_pages_show_texts_as_they_are(browser: Any, site: ServedDashboard) -> None:
    """The overview, the list of calls and the page of each hostile call show the whole text and do nothing else."""
    with visiting(browser, site.url) as visit:
        visit.open()
        assert_inert(visit)
        visit.open("/calls")
        assert_inert(visit)
        for number, text in enumerate(HOSTILE):
            for path in ("/", "/calls"):
                visit.open(f"{path}?tenant={quote(text, safe='')}")
                assert_inert(visit)
                assert text in visit.page.locator("body").inner_text() or text in visit.page.content()
            visit.page.locator(f"main a[href^='{PATH}/calls/']:not([href*='data.'])").first.click()
            assert_inert(visit)
            assert f"{text} {number}" in visit.page.locator("main").evaluate("main => main.textContent")


@pytest.mark.parametrize(
    "path", ["/?range={}", "/?endpoint={}", "/calls?error={}", "/calls?before={}", "/calls?since={}"]
)
def test_urls_are_inert(browser: Any, site: ServedDashboard, path: str) -> None:
    """What a link puts into the address of a page, somebody else's too, does nothing."""
    with visiting(browser, site.url) as visit:
        for text in HOSTILE:
            visit.open(path.format(quote(text, safe="")))
            assert_inert(visit)
            visit.errors[:] = [each for each in visit.errors if "status of 400" not in each]


def test_files_are_inert(browser: Any, site: ServedDashboard) -> None:
    """No cell of a CSV is a formula for a spreadsheet, and no file is taken for a page."""
    with visiting(browser, site.url) as visit:
        for path in ("data.csv?section=cost", "data.csv?section=latency", "calls/data.csv"):
            answer = visit.page.request.get(f"{site.url}{PATH}/{path}")
            assert answer.status == 200
            cells = {cell for row in csv.reader(io.StringIO(answer.text())) for cell in row}
            assert any("HYPERLINK" in cell for cell in cells)
            assert not [cell for cell in cells if cell.startswith(_FORMULA) and not _is_number(cell)]
            assert answer.headers["content-disposition"].startswith("attachment")
        for path in ("data.json", "calls/data.json"):
            answer = visit.page.request.get(f"{site.url}{PATH}/{path}")
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
