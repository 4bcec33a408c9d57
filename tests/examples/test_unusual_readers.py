"""The page for readers who write from right to left, whose browser keeps nothing, or who go on after a failure."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.examples.conftest import Example, Tab
from tests.support.browser import PATIENCE

pytest.importorskip("playwright")
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

HEBREW = """\
שלום, זה `code` בתוך משפט.

- פריט ראשון
- second item

> ציטוט

```python
x = "שלום"
```

An English paragraph.
"""


def test_right_to_left(tab: Tab, example: Example) -> None:
    """Each paragraph is aligned by the script that it is written in, and code always from left to right."""
    example.upstream.reply(content=HEBREW, path="/chat/completions")
    tab.say("שלום")
    expect(tab.page.locator(".note")).to_be_visible()
    for _ in range(2):
        expect(tab.page.locator(".turn.user .text")).to_have_css("direction", "rtl")
        expect(tab.answers.locator("p").first).to_have_css("direction", "rtl")
        expect(tab.answers.locator("ul")).to_have_css("direction", "rtl")
        expect(tab.answers.locator("blockquote")).to_have_css("direction", "rtl")
        expect(tab.answers.locator("pre")).to_have_css("direction", "ltr")
        expect(tab.answers.locator("p").last).to_have_css("direction", "ltr")
        tab.page.reload()
    tab.page.get_by_label("Message").fill("שלום")
    expect(tab.page.get_by_label("Message")).to_have_css("direction", "rtl")


@pytest.mark.parametrize(
    "script",
    [
        'Object.defineProperty(window, "%s", { get() { throw new DOMException("no", "SecurityError"); } });',
        'Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };//%s',
    ],
    ids=["off", "full"],
)
def test_without_storage(open_tab: Callable[..., Tab], browser: Any, example: Example, script: str) -> None:
    """A browser that keeps nothing for pages, or no more, shows the chat all the same."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    for name in ("sessionStorage", "localStorage"):
        context.add_init_script(script % name)
    try:
        tab = open_tab(context=context)
        tab.page.get_by_label("Theme").select_option("dark")
        for count in (1, 2):
            tab.say("Hello?")
            expect(tab.page.locator(".note")).to_have_count(count)
        assert len(example.upstream.requests[-1].json()["messages"]) == 3
    finally:
        context.close()


@pytest.mark.parametrize("kept", ["nonsense", "{}", "[1]", "null"])
def test_what_another_page_kept(tab: Tab, kept: str) -> None:
    """What another page of this address has kept is no conversation, and does not break the page."""
    tab.page.evaluate("kept => sessionStorage.setItem('turns', kept)", kept)
    tab.page.reload()
    tab.say("Hello?")
    expect(tab.answers).to_contain_text("You wrote: “Hello?”")


def test_only_the_last_failure_is_tried_again(tab: Tab, example: Example) -> None:
    """A failure that the conversation has left behind, or while an answer is written, offers no retry."""
    example.upstream.reply(status=500, path="/chat/completions")
    tab.say("One")
    expect(tab.problem).to_contain_text("The AI service failed.")
    expect(tab.button("Try again")).to_have_count(1)
    tab.say("Two")
    expect(tab.page.locator(".note")).to_be_visible()
    expect(tab.problem).to_be_visible()
    expect(tab.button("Try again")).to_have_count(0)
