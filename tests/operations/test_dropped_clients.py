"""What clients counted that nobody closed is written, and they are let go."""

import gc
import subprocess
import sys
import weakref
from datetime import timedelta
from pathlib import Path

import pytest

from ai_client import ClientProvider
from ai_client.metrics.policies import policies_of
from ai_client.testing import Upstream
from tests.support.waiting import until

_LEFT_OPEN = """
import sys
from ai_client import ClientProvider

controls = {"store": sys.argv[2], "dashboard": True}
provider = ClientProvider(base_url=sys.argv[1], api_key="sk-test", controls=controls)
messages = [{"role": "user", "content": "hello"}]
stream = provider.client.chat.completions.create(model="m", messages=messages, stream=True)
next(iter(stream))
"""
_DROPPED = """
import gc, sys
from ai_client import ClientProvider

def ask():
    controls = {"store": sys.argv[2], "dashboard": True}
    provider = ClientProvider(base_url=sys.argv[1], api_key="sk-test", controls=controls)
    provider.client.embeddings.create(model="m", input="x")

ask()
gc.collect()
print("dropped", flush=True)
sys.stdin.readline()
"""


def provider_of(upstream: Upstream, store: str) -> ClientProvider:
    """Return a provider that keeps all that a dashboard shows."""
    return ClientProvider(
        base_url=upstream.base_url, api_key="sk-test", controls={"store": store, "dashboard": True}
    )


@pytest.mark.slow
def test_a_dropped_client_loses_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """Each of them has the call of a client that went out of scope right after it."""
    store = f"sqlite:///{tmp_path}/store.db"
    provider = provider_of(upstream, store)
    command = [sys.executable, "-c", _DROPPED, upstream.base_url, store]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"dropped\n"
            until(lambda: provider.statistics.report(since=timedelta(hours=1)).totals.calls)
            until(provider.usage.report)
            until(provider.journal.entries)
        finally:
            process.kill()
    report = provider.statistics.report(since=timedelta(hours=1))
    assert [row.calls for row in provider.usage.report()] == [1]
    assert (report.totals.calls, len(provider.journal.entries())) == (1, 1)
    provider.close()


def test_a_stream_that_is_open_as_the_process_ends_is_counted(upstream: Upstream, tmp_path: Path) -> None:
    """Each of them has a stream that was never read to its end, although it is left after all else is written."""
    store = f"sqlite:///{tmp_path}/store.db"
    subprocess.run([sys.executable, "-c", _LEFT_OPEN, upstream.base_url, store], check=True, timeout=120)
    provider = provider_of(upstream, store)
    report = provider.statistics.report(since=timedelta(hours=1))
    assert [row.calls for row in provider.usage.report()] == [1]
    assert (report.totals.cancelled, len(provider.journal.entries())) == (1, 1)
    provider.close()


@pytest.mark.parametrize("store", ["memory://", "sqlite:///{path}/store.db"])
def test_a_dropped_client_is_let_go(upstream: Upstream, tmp_path: Path, store: str) -> None:
    """What writes once a second keeps neither a provider nor what it counted with for good."""

    def ask() -> list[weakref.ref[object]]:
        provider = provider_of(upstream, store.format(path=tmp_path))
        provider.client.embeddings.create(model="m", input="x")
        provider.statistics.report(since=timedelta(hours=1))
        (_, metrics), *_ = policies_of(provider)
        return [weakref.ref(provider), weakref.ref(metrics)]

    dropped = ask()

    def is_let_go() -> bool:
        gc.collect()
        return all(one() is None for one in dropped)

    until(is_let_go)
