"""The documentation's word on a library: its example runs, and its row says what the tests hold."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from ai_client.testing import Upstream
from conftest import sides_of
from libraries.side import CALLS

HERE = Path(__file__).parent


@pytest.fixture
def library(request: pytest.FixtureRequest) -> str:
    """Return the name of the library."""
    return str(request.config.getoption("--library"))


@pytest.mark.ours
def test_example(example: str, tmp_path: Path, upstream: Upstream) -> None:
    """The example of the page prints an answer."""
    (tmp_path / "example.py").write_text(example)
    run = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_API_KEY": "sk-interop", "OPENAI_BASE_URL": upstream.base_url},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "offline upstream" in run.stdout or "people=1" in run.stdout
    assert upstream.requests
    assert upstream.connections_opened == 1


def test_row(library: str) -> None:
    """The row of the table names the calls that the tests make."""
    about = tomllib.loads((HERE / "libraries.toml").read_text())[library]
    sides = sides_of(import_module(f"libraries.{library}"))
    made = [call for call in CALLS if any(getattr(side, call, None) for side in sides)]
    assert about["calls"] == made
