"""The search of the built documentation, over the index that `make docs` wrote and as its pages read it."""

import html
import json
import re
from functools import cache
from pathlib import Path

import pytest
from lunr.builder import Builder
from lunr.index import Index
from lunr.stop_word_filter import stop_word_filter

INDEX = Path(__file__).parents[2] / "build" / "docs" / "search" / "search_index.json"
FIRST = 2
"""Pages among which a reader finds what a word is about."""
_TAG = re.compile(r"<[^>]+>")


@cache
def index() -> Index:
    """Build the index as a page's search does: with its fields, their weights and its pipeline, which keeps endings."""
    found = json.loads(INDEX.read_text())
    assert found["config"]["pipeline"] == ["stopWordFilter"]
    assert found["config"]["separator"] == r"[\s\-]+"  # that of lunr
    builder = Builder()
    builder.pipeline.add(stop_word_filter)
    builder.ref("location")
    for name in ("title", "text"):
        builder.field(name, boost=found["config"]["fields"][name]["boost"])
    for entry in found["docs"]:
        texts = {name: html.unescape(_TAG.sub(" ", entry[name])) for name in ("title", "text")}
        builder.add({"location": entry["location"], **texts}, {"boost": entry.get("boost", 1)})
    return builder.build()


def pages(word: str) -> list[str]:
    """Return the pages with results for a word, the best first; as on a page, the word may go on."""
    locations = [result["ref"].partition("#")[0] for result in index().search(f"{word}*")]
    return list(dict.fromkeys(locations))


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("dashboard", "operations/dashboard.html"),
        ("journal", "operations/journal.html"),
        ("alert", "operations/alerts.html"),
        ("health", "operations/health.html"),
        ("proxy", "network.html"),
        ("doctor", "operations/doctor.html"),
        ("Prometheus", "operations/metrics.html"),
        ("mTLS", "network.html"),
        ("certificate", "network.html"),
        ("budget", "controls/budgets.html"),
        ("leak", "migrating.html"),
        ("mock", "testing.html"),
        ("respx", "testing.html"),
        ("Celery", "deployment.html"),
        ("gunicorn", "deployment.html"),
        ("fallback", "controls/fallback.html"),
        ("logs", "controls/watching.html"),
        ("rate", "controls/limits.html"),
        ("limit", "controls/limits.html"),
        ("deadline", "configuration.html"),
        ("timeout", "configuration.html"),
        ("fork", "deployment.html"),
        ("WebSocket", "guides/realtime.html"),
        ("tenant", "guides/tenants.html"),
        ("pydantic-ai", "guides/with-other-libraries.html"),
        ("langchain", "guides/with-other-libraries.html"),
        ("litellm", "guides/with-other-libraries.html"),
        ("libraries", "guides/with-other-libraries.html"),
        ("Langfuse", "controls/watching.html"),
        ("Sentry", "controls/watching.html"),
    ],
)
def test_finds(word: str, page: str) -> None:
    """A word that readers look for leads to the page that is about it."""
    assert page in pages(word)[:FIRST]
