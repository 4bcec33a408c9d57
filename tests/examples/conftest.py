"""The examples under their own start command, and a browser to look at them."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Upstream
from tests.support.browser import PATIENCE, chromium

ROOT = Path(__file__).parents[2]
SIZES = {"phone": (360, 740), "desktop": (1280, 800)}


@dataclass
class Example:
    """A running example.

    Attributes:
        url: Where its page is.
        upstream: What it talks to.
        pid: Its process.
    """

    url: str
    upstream: Upstream
    pid: int


@contextmanager
def running(framework: str, upstream: Upstream, **environment: str) -> Iterator[Example]:
    """Start an example as its users do, and stop it after the block."""
    options = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": upstream.base_url, "AI_CLIENT_MAX_RETRIES": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", f"example_apps.{framework}_chat", "--port", "0"],
        cwd=ROOT,
        env={**environ, "PYTHONUNBUFFERED": "1", **options, **environment},
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"at (http://\S+)", line):
                yield Example(found[1], upstream, process.pid)
                break
        else:
            raise AssertionError("The example ended without an address.")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def running_examples() -> Iterator[Callable[[str], Example]]:
    """Give each example, started when first asked for, with an upstream of its own."""
    examples: dict[str, Example] = {}
    with ExitStack() as stack:

        def give(framework: str) -> Example:
            if framework not in examples:
                upstream = stack.enter_context(Upstream())
                examples[framework] = stack.enter_context(running(framework, upstream))
            return examples[framework]

        yield give


@pytest.fixture(params=["fastapi", "django", "flask"])
def framework(request: pytest.FixtureRequest) -> str:
    """Give the name of each framework in turn."""
    return str(request.param)


@pytest.fixture
def example(framework: str, running_examples: Callable[[str], Example]) -> Example:
    """Give each example in turn, with an upstream that has forgotten what was before."""
    example = running_examples(framework)
    example.upstream.reset()
    return example


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Debian's Chromium, for one module: while it runs, the thread counts as running an event loop."""
    with chromium() as browser:
        yield browser


@dataclass
class Tab:
    """A tab with the chat, driven as a reader would.

    Attributes:
        page: Playwright's own page.
        errors: What the console complained about; a failed request, which Chromium logs itself, is in `failures`.
    """

    page: Any
    errors: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._logged)

    def _logged(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            logged = self.failures if message.text.startswith("Failed to load resource") else self.errors
            logged.append(message.text)

    def say(self, text: str) -> None:
        """Write a message and send it, by keyboard."""
        self.page.get_by_label("Message").fill(text)
        self.page.keyboard.press("Enter")

    @property
    def answers(self) -> Any:
        """The answers so far."""
        return self.page.locator(".turn.assistant .text")

    @property
    def problem(self) -> Any:
        """What went wrong."""
        return self.page.get_by_role("alert")

    def button(self, name: str) -> Any:
        """Find a button by what it says."""
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def open_tab(browser: Any, example: Example) -> Iterator[Callable[..., Tab]]:
    """Give a function that opens the example in a new tab, whose console must stay silent."""
    tabs: list[Tab] = []
    with ExitStack() as stack:

        def give(size: str = "desktop", *, url: str = "", scheme: str = "light", context: Any = None) -> Tab:
            width, height = SIZES[size]
            if context is None:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
                )
                context.set_default_timeout(PATIENCE)
                stack.callback(context.close)
            tab = Tab(context.new_page())
            tabs.append(tab)
            tab.page.goto(url or example.url)
            tab.page.locator("#model option").first.wait_for(state="attached")
            return tab

        yield give
        for tab in tabs:
            assert not tab.errors


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    """Open the example in a tab."""
    return open_tab()
