"""Workers of one process, and the lines of code that build clients per request."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider, OpenAI
from ai_client.adapter import Detector, RequestScope
from ai_client.control.observability.counting.living import shown_in, this_process
from ai_client.detector.lines import forget
from ai_client.errors import ConfigError
from ai_client.testing import Upstream
from tests.support.invoke import CHAT


@pytest.mark.parametrize("control", ["statistics", "metrics"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_this_process_is_one(control: str, kind: str, sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """A process shows its host and id, its clients and connections over all aliases, until they are closed."""
    store = "memory://" if kind == "memory" else f"sqlite:///{tmp_path}/store.db"
    options = {"base_url": upstream.base_url, "api_key": "k", "controls": {control: True, "store": store}}
    provider = ClientProvider(options, aliases={"other": options})
    for alias in ("default", "other"):
        provider[alias].client.chat.completions.create(**CHAT)
    book = provider.workers
    (state,) = book.states() if sync else asyncio.run(book.astates())
    assert (state.pid, state.alive, state.built, state.open, state.opened) == (os.getpid(), 2, 2, 2, 2)
    assert (state.in_use, state.in_flight, state.waiting, state.idle) == (0, 0, 0, 2)
    assert abs((datetime.now(UTC) - state.seen).total_seconds()) < 60
    provider.close()
    if kind == "sqlite":
        assert book.states() == []


def test_lines_that_build_clients_are_counted_over_all_processes(
    upstream: Upstream, tmp_path: Path, sync: bool
) -> None:
    """The lines that the detector found are those of the store, with what this process has found since."""
    forget()
    detector = Detector(True)
    detector.start()
    provider = ClientProvider(
        base_url=upstream.base_url,
        api_key="k",
        controls={"statistics": True, "store": f"sqlite:///{tmp_path}/store.db"},
    )
    try:
        provider.client.chat.completions.create(**CHAT)
        for _ in range(3):
            with RequestScope("/ask"):
                OpenAI(api_key="k")
        book = provider.workers
        found: list[Any] = book.extra_clients() if sync else asyncio.run(book.aextra_clients())
        assert [(one.client, one.count) for one in found] == [("ai_client.OpenAI", 3)]
        assert found[0].line.startswith(f"{__file__}:")
    finally:
        detector.stop()
        forget()
        provider.close()


def test_without_a_control_there_are_none(sync: bool) -> None:
    """The error names the control that is missing."""
    book = ClientProvider(api_key="k").workers
    for read, aread in ((book.states, book.astates), (book.extra_clients, book.aextra_clients)):
        with pytest.raises(ConfigError, match="'statistics'"):
            read() if sync else asyncio.run(aread())  # type: ignore[arg-type]


def test_what_another_version_shows_is_left_out() -> None:
    """A value that shows no process, as of another version, counts as none."""
    shown = this_process({"built.sync": 1}, {"alive.sync": 1}, time.time())
    assert shown_in(shown.encoded()) == shown
    for value in (None, b"", b"{", b'{"in_flight": 3}'):
        assert shown_in(value) is None
