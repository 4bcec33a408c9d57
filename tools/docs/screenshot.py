"""The picture of the README, as a browser shows the chat page: `python -m tools.docs.screenshot` (needs Chromium)."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from example_apps._showcase import QUESTION

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "figures" / "demo.png"


def main() -> None:
    """Start the offline example, ask, and save what the page shows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "example_apps.fastapi_chat", "--port", "0"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        lines = iter(process.stdout.readline, "") if process.stdout else iter(())
        address = next(found[1] for line in lines if (found := re.search(r"at (http://\S+)", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 960, "height": 860})
            page.goto(address)
            page.get_by_label("Message").fill(QUESTION)
            page.keyboard.press("Enter")
            page.locator(".turn.assistant .text").wait_for()
            page.get_by_role("button", name="Send", exact=True).wait_for()
            page.locator("#scroll").evaluate("element => element.scrollTo(0, 0)")
            page.screenshot(path=PICTURE)
            browser.close()
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main()
