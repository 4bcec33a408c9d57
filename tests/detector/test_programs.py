"""Programs of each framework that build a client per request are found, and those that do not are not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Upstream
from tests.support.servers import ROOT
from tests.support.sites.per_request import PAGES

FRAMEWORKS = ("fastapi", "flask", "django")
REQUESTS = 10


def run(framework: str, **environment: str) -> tuple[dict[str, Any], str]:
    """Run the programs of a framework; return what they printed and logged."""
    with Upstream() as upstream:
        given = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": upstream.base_url, **environment}
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.sites.per_request", framework, str(REQUESTS)],
            cwd=ROOT,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    printed = json.loads(done.stdout)
    assert printed["statuses"] == [200] * REQUESTS * len(PAGES)
    return printed, done.stderr


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_clients_per_request_are_found(framework: str) -> None:
    """Within ten requests each line that builds a client is warned of once, and no other line is."""
    printed, logged = run(framework, AI_CLIENT_WARN_ON_EXTRA_CLIENTS="openai,httpx,httpx2")
    kind = "Async" if framework == "fastapi" else ""
    found = {(one["function"], one["client"], one["count"]) for one in printed["counts"]}
    assert found == {
        ("bad_ours", f"ai_client.{kind}OpenAI", REQUESTS),
        ("bad_official", f"openai.{kind}OpenAI", REQUESTS),
        ("bad_http", f"httpx.{kind}Client", REQUESTS),
    }
    file = ROOT / f"tests/support/sites/per_request/{framework}_app.py"
    for one in printed["counts"]:
        assert Path(one["file"]) == file
        assert logged.count(f"{file}:{one['line']}, in {one['function']}, builds {one['client']} ") == 1
    assert "good" not in logged


def test_debug_mode_of_django() -> None:
    """Where Django's `DEBUG` is on, clients of this package are found, and those of others are not looked for."""
    printed, _ = run("django", DEBUG="1")
    assert [(one["function"], one["count"]) for one in printed["counts"]] == [("bad_ours", REQUESTS)]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_is_found_by_default(framework: str) -> None:
    """Without the option, and outside of debug mode, nothing is counted and nothing said."""
    printed, logged = run(framework)
    assert printed["counts"] == []
    assert "builds" not in logged
