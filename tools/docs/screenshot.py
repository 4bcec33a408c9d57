"""The pictures of the README, as a browser shows the demo: `python -m tools.docs.screenshot` (needs Chromium).

With `chat` or `dashboard` it makes that one alone.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from example_apps._chat import LAST_HOUR
from example_apps._showcase import QUESTION

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures"
SECONDS_OF_TRAFFIC = 75
"""A minute, and what the last answers take."""


def main() -> None:
    """Start the offline example, and save what its pages show."""
    chosen = sys.argv[1:] or [*PICTURES]
    with started() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in chosen:
            PICTURES[name](browser, address)
        browser.close()


@contextmanager
def started() -> Iterator[str]:
    """Start the offline example; yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "example_apps.fastapi_chat", "--port", "0"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        lines = iter(process.stdout.readline, "") if process.stdout else iter(())
        yield next(found[1] for line in lines if (found := re.search(r"at (http://\S+)", line)))
    finally:
        process.kill()
        process.communicate()


def chat(browser: Any, address: str) -> None:
    """Ask, and show the answer."""
    page = browser.new_page(viewport={"width": 960, "height": 860})
    page.goto(address)
    page.get_by_label("Message").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".turn.assistant .text").wait_for()
    page.get_by_role("button", name="Send", exact=True).wait_for()
    page.locator("#scroll").evaluate("element => element.scrollTo(0, 0)")
    page.screenshot(path=FIGURES / "demo.png")


def dashboard(browser: Any, address: str) -> None:
    """Send traffic, and show what it came to."""
    httpx.post(f"{address}/traffic")
    time.sleep(SECONDS_OF_TRAFFIC)
    page = browser.new_page(viewport={"width": 1280, "height": 1040})
    page.goto(f"{address}{LAST_HOUR}")
    page.screenshot(path=FIGURES / "dashboard.png")


PICTURES: Mapping[str, Callable[[Any, str], None]] = {"chat": chat, "dashboard": dashboard}


if __name__ == "__main__":
    main()
