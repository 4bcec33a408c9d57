"""Reading the dashboard's pages."""

import re
from html import unescape


def is_dashboard(text: str) -> bool:
    """Return whether a text is its first page."""
    return text.startswith("<!doctype html>") and "<h1" in text and "AI calls" in text


def addresses_in(text: str) -> list[str]:
    """Return the addresses of the links, files and forms of a page."""
    return [unescape(found) for found in re.findall(r'\s(?:href|src|action)="([^"#][^"]*)"', text)]


def pages_of(text: str) -> list[str]:
    """Return the addresses of the pages and files that a page leads to, but those of figures that nothing records."""
    found = map(unescape, re.findall(r'\s(?:href|src)="([^"#][^"]*)"', text))
    return [address for address in found if "data.csv" not in address]
