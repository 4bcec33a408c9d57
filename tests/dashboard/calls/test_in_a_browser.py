"""The pages of calls in a browser: filters, the copied command, and a form that sends once whatever its reader does."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage
from ai_client.testing import Upstream
from tests.support.browser import PATIENCE, chromium
from tests.support.page_server import serving_page

pytestmark = pytest.mark.slow
PROMPT = "It's $HOME and `id`!\nA line, a \\ and gr\u00fc\u00dfe"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def provider(upstream: Upstream) -> Iterator[ClientProvider]:
    """Yield a provider that keeps content, which has made a call that was answered and one that failed."""
    controls = {"store": "memory://", "journal": {"content": True}, "redaction": {"content": True}}
    provider = ClientProvider(
        api_key="sk-test",
        base_url=upstream.base_url,
        max_retries=0,
        controls=controls,
        on_blocking_call="ignore",
    )
    chat = provider.client.chat.completions
    upstream.reply(status=400)
    with pytest.raises(Exception, match="400"):
        chat.create(model="gpt-5.5", messages=[{"role": "user", "content": "Hello"}])
    chat.create(model="gpt-5.5", messages=[{"role": "user", "content": PROMPT}])
    yield provider
    provider.close()


@pytest.fixture
def tab(browser: Any, provider: ClientProvider) -> Iterator[Any]:
    """Open the list of calls; nothing may complain in the console."""
    with serving_page(DashboardPage(public=True, development=True), provider) as url:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        context.set_default_timeout(PATIENCE)
        tab = context.new_page()
        errors: list[str] = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda message: errors.append(message.text))
        tab.goto(f"{url}/calls")
        yield tab
        context.close()
    assert errors == []


def open_answered(tab: Any) -> None:
    """Open the page of the call that was answered, over the filter."""
    tab.get_by_label("Outcome").select_option("ok")
    tab.wait_for_url("**outcome=ok**")
    tab.locator("tbody th a").first.click()
    tab.locator(".time-line svg").wait_for()


def test_the_copied_command_sends_the_call(tab: Any, upstream: Upstream, tmp_path: Path) -> None:
    """What the button copies is a command that a shell runs as it is, and that sends the body once more."""
    open_answered(tab)
    tab.get_by_role("button", name="Copy").click()
    tab.get_by_role("button", name="Copied").wait_for()
    command = tab.evaluate("navigator.clipboard.readText()")
    environment = {"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "sk-of-the-shell", "HOME": str(tmp_path)}
    subprocess.run(
        ["sh", "-c", command], env=environment, check=True, capture_output=True, timeout=60, cwd=tmp_path
    )
    *_, first, second = upstream.requests
    assert second.json() == first.json()
    assert second.json()["messages"][0]["content"] == PROMPT


def test_a_reload_sends_nothing(tab: Any, upstream: Upstream) -> None:
    """The form leads to the page of the new call; neither a reload there nor two clicks send another one."""
    open_answered(tab)
    first = tab.url
    before = len(upstream.requests)
    tab.get_by_role("button", name="Send again").dblclick(no_wait_after=True)
    tab.wait_for_url(lambda url: url.partition("?")[0] != first)
    tab.reload()
    tab.locator(".time-line svg").wait_for()
    assert len(upstream.requests) == before + 1


def test_the_form_works_without_a_script(browser: Any, provider: ClientProvider) -> None:
    """Without JavaScript the list is filtered by its button, and a call is sent again."""
    with serving_page(DashboardPage(public=True, development=True), provider) as url:
        context = browser.new_context(java_script_enabled=False)
        context.set_default_timeout(PATIENCE)
        tab = context.new_page()
        tab.goto(f"{url}/calls")
        tab.get_by_label("Outcome").select_option("error")
        tab.get_by_role("button", name="Filter").click()
        assert tab.locator("tbody tr").count() == 1
        tab.locator("tbody th a").first.click()
        assert tab.get_by_role("button", name="Copy").count() == 0
        first = tab.url
        tab.get_by_role("button", name="Send again").click()
        assert tab.url != first
        assert tab.locator(".badge.good").first.inner_text() == "Answered"
        context.close()
