"""What is particular about state in an SQLite file."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ai_client import StoreError
from ai_client.stores import Ledger
from ai_client.stores.sqlite import SqliteBackend


def test_a_file_that_others_are_opening_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new file that another process has locked is opened as soon as that lets go of it."""
    path = tmp_path / "state.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            other.execute("COMMIT")
            other.close()

    connect = sqlite3.connect

    def at_once(place: str, **options: Any) -> sqlite3.Connection:
        """Connect so that SQLite itself does not wait, as it does not where two change the journal."""
        return connect(place, **{**options, "timeout": 0})

    monkeypatch.setattr("ai_client.stores.sqlite.sqlite3.connect", at_once)
    monkeypatch.setattr("ai_client.stores.sqlite.time.sleep", pause)
    backend = SqliteBackend(str(path))
    assert backend.ledger("a", 0.0) == Ledger()
    assert len(pauses) == 3
    backend.close()


def test_a_file_that_cannot_be_opened_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is a directory is an error without waiting."""
    monkeypatch.setattr("ai_client.stores.sqlite.time.sleep", lambda _: pytest.fail("it waited"))
    with pytest.raises(StoreError, match="unable to open"):
        SqliteBackend(str(tmp_path)).ledger("a", 0.0)
