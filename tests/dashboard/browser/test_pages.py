"""The dashboard's pages for readers of every kind: with the eyes, the keyboard, a screen reader, a phone, no script."""

import re
from typing import Any

import pytest

from tests.dashboard.browser.conftest import PICTURES
from tests.support.served_dashboard import ServedDashboard
from tests.support.sites.dashboard_site import PATH
from tests.support.visits import Visit, visiting

pytestmark = pytest.mark.slow
PAGES = ("overview", "calls", "call")
WIDTHS = (1280, 390, 360)
_REACHABLE = "a[href], button, select, input:not([type=hidden]), textarea, summary, [tabindex='0']"
_UNSEEN = f"""() => [...document.querySelectorAll("{_REACHABLE}")]
    .filter((found) => !found.reached && found.checkVisibility({{visibilityProperty: true}}))
    .map((found) => found.outerHTML.slice(0, 200))"""
_REACH = """() => {
    const found = document.activeElement;
    if (found === document.body) return "body";
    if (found.reached) return "again";
    found.reached = true;
    const style = getComputedStyle(found);
    return style.outlineStyle === "none" && style.boxShadow === "none" ? `no outline: ${found.outerHTML}` : "";
}"""


def open_page(visit: Visit, name: str) -> None:
    """Open a page by its name: the list of calls as a link leads there, and the page of the last call."""
    visit.open()
    if name != "overview":
        visit.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Calls").click()
        visit.page.wait_for_url("**/calls")
    if name == "call":
        visit.page.locator(f"main a[href^='{PATH}/calls/']:not([href*='data.'])").first.click()
        visit.page.wait_for_url(re.compile(r"/calls/[^/?]+$"))


def unfold(visit: Visit) -> None:
    """Open everything that is folded."""
    visit.page.evaluate("document.querySelectorAll('details').forEach((found) => found.open = true)")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, site: ServedDashboard, name: str, scheme: str) -> None:
    """Nothing on a page is hard to read or to understand for a screen reader, folded or not, in light and in dark."""
    with visiting(browser, site.url, scheme=scheme) as visit:
        open_page(visit, name)
        assert visit.faults() == []
        unfold(visit)
        assert visit.faults() == []
        background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(re.findall(r"\d+", background)[0])
        assert (red > 128) == (scheme == "light")


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything(browser: Any, site: ServedDashboard, name: str) -> None:
    """Each link, button and field can be reached with the tabulator, and shows that it is."""
    with visiting(browser, site.url) as visit:
        open_page(visit, name)
        pause = visit.page.get_by_role("button", name="Pause")
        if pause.count():
            pause.click()  # so that no element is replaced by its next version
        unfold(visit)
        for _ in range(3000):
            visit.page.keyboard.press("Tab")
            state = visit.page.evaluate(_REACH)
            if state == "again":
                break
            assert state in {"", "body"}
        assert visit.page.evaluate(_UNSEEN) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(browser: Any, site: ServedDashboard, name: str, width: int) -> None:
    """On a phone, too, no page scrolls sideways; pictures of it are in build/dashboard."""
    for scheme in ("light", "dark"):
        with visiting(browser, site.url, width=width, scheme=scheme) as visit:
            open_page(visit, name)
            PICTURES.mkdir(parents=True, exist_ok=True)
            if name == "calls":  # nor its table, on which the cost stands at the end
                table = visit.page.locator("main .table").first
                assert table.evaluate("found => found.scrollWidth - found.clientWidth") <= 1
            kind = site.framework
            visit.page.screenshot(path=PICTURES / f"{kind}-{name}-{scheme}-{width}.png", full_page=True)
            for _ in range(2):
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
                unfold(visit)


def test_without_a_script(browser: Any, site: ServedDashboard) -> None:
    """Without JavaScript the figures stand there, filters choose, figures lead to calls, and those to their pages."""
    with visiting(browser, site.url, java_script_enabled=False) as visit:
        visit.open()
        page = visit.page
        page.locator("select[name=tenant]").select_option("acme")
        page.get_by_role("button", name="Filter").click()
        assert "tenant=acme" in page.url
        page.locator(".tiles a").first.click()
        assert "/calls?" in page.url
        assert "tenant=acme" in page.url
        page.locator(f"main a[href^='{PATH}/calls/']:not([href*='data.'])").first.click()
        assert page.locator("h1").count() == 1
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Overview").click()
        page.get_by_role("link", name="Last hour").click()
        assert "range=1h" in page.url


def test_it_keeps_up(browser: Any, site: ServedDashboard) -> None:
    """A page that is open shows the calls that are made meanwhile, and lets its reader stop that."""
    with visiting(browser, site.url) as visit:
        visit.open()
        before = visit.figures()["tiles"]["Calls"]
        site.ask(["/calls/acme/plain/1", "/calls/acme/plain/2"])
        visit.page.wait_for_function(
            """before => [...document.querySelectorAll(".tiles > div")].some((tile) =>
                tile.querySelector("dt").textContent === "Calls"
                && Number(tile.querySelector("data").value) >= before + 2)""",
            arg=before,
        )
        visit.page.get_by_role("button", name="Pause").click()
        assert visit.page.get_by_role("button", name="Go on").is_visible()


def test_a_call_is_sent_again(browser: Any, site: ServedDashboard) -> None:
    """In development the form of a call's page sends it once more; a form of another origin sends nothing."""
    with visiting(browser, site.url) as visit:
        visit.open("/calls?tenant=acme&model=plain-model&outcome=ok")
        visit.page.locator(f"main a[href^='{PATH}/calls/']:not([href*='data.'])").first.click()
        first = visit.page.url
        before = sum(site.upstream.statuses.values())
        answer = visit.page.request.post(
            f"{first}/again", form={}, headers={"origin": "https://elsewhere.example"}
        )
        assert answer.status == 403
        assert sum(site.upstream.statuses.values()) == before
        visit.page.get_by_role("button", name="Send again").click()
        visit.page.wait_for_url(lambda url: url.split("?")[0].split("#")[0] != first)
        assert sum(site.upstream.statuses.values()) == before + 1
        assert visit.faults() == []
