"""An application ends while another process keeps its store busy: soon, and it says what could not be counted."""

import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ai_client import ClientProvider
from ai_client._io import deadline
from ai_client.stores import sqlite_file
from ai_client.testing import Upstream

FOR_EVER = 300.0
CONTROLS = {
    "cost": True,
    "dashboard": True,
    "budgets": [{"requests": 9, "per": "day"}],
    "prices": {"m": {"input": 1}},
}
SCRIPT = """
import sys
from ai_client import ClientProvider
from ai_client._io import deadline
from ai_client.stores import sqlite_file
deadline.CLOSING_SECONDS = 0.3
sqlite_file.BUSY_TIMEOUT = {for_ever}
controls = {{"store": sys.argv[2], **{controls}}}
provider = ClientProvider(base_url=sys.argv[1], api_key="k", controls=controls)
provider.client.embeddings.create(model="m", input="x")
print("asked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store."""
    return tmp_path / "store.db"


@pytest.fixture
def short_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an end wait for a moment, and single operations for as long as the file is locked."""
    monkeypatch.setattr(deadline, "CLOSING_SECONDS", 0.3)
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT", FOR_EVER)


@pytest.mark.usefixtures("short_end")
def test_a_provider_closes_while_its_store_is_locked(
    upstream: Upstream, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not wait for each of its records in turn."""
    controls = {"store": f"sqlite:///{path}", **CONTROLS}
    provider = ClientProvider(base_url=upstream.base_url, api_key="k", controls=controls)
    provider.client.embeddings.create(model="m", input="x")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING, "ai_client"):
            provider.close()
        assert other.in_transaction
    assert "could not be counted" in caplog.text


def test_a_process_ends_while_its_store_is_locked(upstream: Upstream, path: Path) -> None:
    """So does a process that closes nothing, such as a script or a command."""
    script = SCRIPT.format(for_ever=FOR_EVER, controls=CONTROLS)
    command = [sys.executable, "-c", script, upstream.base_url, f"sqlite:///{path}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "asked\n"
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                _, said = process.communicate("\n", timeout=30)
            assert (process.returncode, "could not be counted" in said) == (0, True), said
        finally:
            process.kill()
