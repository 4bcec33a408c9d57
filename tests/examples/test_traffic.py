"""Traffic of the offline demo: varied, bounded, one run at a time, and for readers on this machine alone."""

import re
import signal
import threading
import time
from collections.abc import Callable
from itertools import islice

import httpx
import pytest

from ai_client.testing import Upstream
from example_apps._offline.steps import KINDS, TENANTS, steps
from example_apps._offline.traffic import Traffic, begin, traffic
from tests.examples.conftest import Tab
from tests.examples.test_commands import command, url_of

PATIENCE = 60
DASHBOARD = "/ai/"


def until(condition: Callable[[], object], every: float = 0.02) -> None:
    """Wait until a condition holds, which is asked every so many seconds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(every)


def test_varied() -> None:
    """The first seconds of a run have every kind of call, for several tenants and models."""
    first = list(islice(steps(), len(KINDS)))
    assert {step.path for step in first} == {
        f"/api/{name}" for name in ("ask", "chat", "plan", "search", "digest")
    }
    assert {step.tenant for step in first} == set(TENANTS)
    assert len({step.body["model"] for step in first}) > 3
    assert [step.leaves for step in first].count(True) == 1


def test_one_run_at_a_time() -> None:
    """Of all who start a run at once, as in two tabs, one does."""
    traffic = Traffic()
    started: list[bool] = []
    with Upstream() as upstream:
        presses = [
            threading.Thread(target=lambda: started.append(traffic.start(upstream.url))) for _ in range(8)
        ]
        for press in presses:
            press.start()
        for press in presses:
            press.join()
        assert sorted(started) == [False] * 7 + [True]
        traffic.stop()
        assert traffic.start(upstream.url), "a run that has ended makes place for the next"
        traffic.stop()


def test_bounded() -> None:
    """A run sends no more than its time has room for, and ends by itself."""
    traffic = Traffic()
    with Upstream() as upstream:
        traffic.start(upstream.url, seconds=1, between=0.05)
        until(lambda: not traffic.running)
        assert len(upstream.requests) == 20


def test_stopped_in_the_middle() -> None:
    """A run that is stopped sends nothing any more."""
    traffic = Traffic()
    with Upstream() as upstream:
        traffic.start(upstream.url, between=0.02)
        upstream.wait_for(lambda: len(upstream.requests) >= 3)
        traffic.stop()
        assert not traffic.running
        sent = len(upstream.requests)
        time.sleep(0.2)
        assert len(upstream.requests) == sent < 1000


def test_application_that_ends() -> None:
    """A run ends where the application no longer answers."""
    traffic = Traffic()
    with Upstream() as upstream:
        traffic.start(upstream.url, between=0.02)
        upstream.wait_for(lambda: len(upstream.requests) >= 3)
    until(lambda: not traffic.running)


def test_page_from_elsewhere() -> None:
    """A page of another site starts nothing."""
    assert begin("cross-site") == begin("same-site") == 403
    assert not traffic.running


@pytest.mark.slow
def test_command(framework: str) -> None:
    """The offline demo has a dashboard and a button that fills it; Ctrl-C ends both in the middle of traffic."""
    with (
        command(framework, "--port", "0", OPENAI_API_KEY="") as process,
        httpx.Client(timeout=PATIENCE) as http,
    ):
        url, _ = url_of(process)
        assert process.stdout is not None
        assert process.stdout.readline() == f"The dashboard is at {url}{DASHBOARD}\n"
        about = http.get(f"{url}/api/about").json()
        assert (about["dashboard"], about["traffic"]) == ("ai/", True)
        for _ in range(2):
            pressed = http.post(f"{url}/traffic", headers={"sec-fetch-site": "same-origin"})
            assert (pressed.status_code, pressed.headers["location"]) == (303, f"{DASHBOARD}?range=1h")
        assert http.post(f"{url}/traffic", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        shown = ("acme", "api/chat", "api/search", "gpt-5.4-mini", "offline.py")
        until(lambda: all(word in http.get(f"{url}{DASHBOARD}").text for word in shown), 0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0
        assert "Traceback" not in errors


@pytest.mark.slow
def test_button(open_tab: Callable[..., Tab], framework: str) -> None:
    """The offline demo's chat page has a button that starts traffic and shows the dashboard; another's has neither."""
    tab = open_tab()
    assert tab.page.get_by_role("link", name="Dashboard").count() == 0
    assert tab.button("Send a minute of traffic").count() == 0
    with command(framework, "--port", "0", OPENAI_API_KEY="") as process:
        url, _ = url_of(process)
        tab = open_tab(url=url)
        assert tab.page.get_by_role("link", name="Dashboard", exact=True).get_attribute("href") == "ai/"
        tab.button("Send a minute of traffic").click()
        tab.page.wait_for_url(f"{url}{DASHBOARD}?range=1h")
        tab.page.get_by_text("acme").first.wait_for()


@pytest.mark.slow
def test_guarded(framework: str) -> None:
    """Beyond this machine, and with a key, there is no traffic, and a dashboard for readers with the token alone."""
    for environment in ({"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": "any"}):
        host = "127.0.0.1" if environment["OPENAI_API_KEY"] else "0.0.0.0"  # noqa: S104
        with command(framework, "--port", "0", "--host", host, **environment) as process:
            url = url_of(process)[0].replace("0.0.0.0", "127.0.0.1")  # noqa: S104
            assert httpx.get(f"{url}{DASHBOARD}").status_code == 404
            assert httpx.post(f"{url}/traffic").status_code in {404, 405}
        token = {"CHAT_DASHBOARD_TOKEN": "a token of this test"}
        with command(framework, "--port", "0", "--host", host, **environment, **token) as process:
            url = url_of(process)[0].replace("0.0.0.0", "127.0.0.1")  # noqa: S104
            assert httpx.get(f"{url}{DASHBOARD}").status_code == 401
            allowed = httpx.get(f"{url}{DASHBOARD}", headers={"authorization": "Bearer a token of this test"})
            assert allowed.status_code == 200
            assert httpx.post(f"{url}/traffic").status_code in {404, 405}
            assert re.search(r"<title>.*</title>", allowed.text)
