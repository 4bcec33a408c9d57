"""Statistics and workers over several processes: together, forked, killed and started anew."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ai_client import ClientProvider
from ai_client.testing import Upstream
from tests.support.forks import in_child
from tests.support.invoke import CHAT
from tests.support.policies import Redis
from tests.support.waiting import until

HOUR = timedelta(hours=1)
CODE = """
import sys
from ai_client import ClientProvider
url, store, count, model = sys.argv[1:]
provider = ClientProvider(base_url=url, api_key="k", controls={"statistics": True, "store": store})
for _ in range(int(count)):
    provider.client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
print("made", flush=True)
sys.stdin.readline()
provider.close()
"""


def provider_of(upstream: Upstream, store: str) -> ClientProvider:
    """Return a provider that keeps statistics."""
    controls = {"statistics": True, "store": store}
    return ClientProvider(base_url=upstream.base_url, api_key="k", controls=controls)


def ask(provider: ClientProvider) -> None:
    """Make a call."""
    provider.client.chat.completions.create(**CHAT)


@contextmanager
def caller(upstream: Upstream, store: str, count: int, model: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that makes calls and lives on until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, upstream.base_url, store, str(count), model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def made(process: "subprocess.Popen[str]") -> None:
    """Wait until a process has made its calls."""
    assert process.stdout is not None
    assert process.stdout.readline() == "made\n"


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_processes_count_together(kind: str, upstream: Upstream, tmp_path: Path, redis_server: Redis) -> None:
    """What two processes call at the same time is in one report, and each of them is a worker while it lives."""
    store = f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else redis_server.url
    if kind == "redis":
        redis_server.ask("FLUSHALL")
    watching = provider_of(upstream, store)
    with caller(upstream, store, 100, "a") as one, caller(upstream, store, 50, "b") as other:
        made(one)
        made(other)
        until(lambda: watching.statistics.report(since=HOUR).totals.calls == 150)
        report = watching.statistics.report(since=HOUR)
        assert {model: sums.calls for model, sums in report.models.items()} == {"a": 100, "b": 50}
        until(lambda: len(watching.workers.states()) == 2)
        assert {state.pid for state in watching.workers.states()} == {one.pid, other.pid}
        until(lambda: all(state.opened == state.built == 1 for state in watching.workers.states()))
        ask(watching)
        assert {state.pid for state in watching.workers.states()} == {one.pid, other.pid, os.getpid()}
        for process in (one, other):
            process.communicate("\n")
        assert [state.pid for state in watching.workers.states()] == [os.getpid()]
    watching.close()
    again = provider_of(upstream, store)
    ask(again)
    assert again.statistics.report(since=HOUR).totals.calls == 152
    again.close()


def test_a_killed_process_loses_its_last_second_at_most(upstream: Upstream, tmp_path: Path) -> None:
    """What a process called more than a moment before `kill -9` is in the report."""
    store = f"sqlite:///{tmp_path}/store.db"
    watching = provider_of(upstream, store)
    with caller(upstream, store, 20, "a") as process:
        made(process)
        until(lambda: watching.statistics.report(since=HOUR).totals.calls == 20)
        process.kill()
        process.wait()
    assert watching.statistics.report(since=HOUR).totals.calls == 20
    watching.close()


def test_a_child_counts_its_own_calls(upstream: Upstream, tmp_path: Path) -> None:
    """What a parent counted before a fork is written by the parent, and by no child, which counts what it calls."""
    provider = provider_of(upstream, f"sqlite:///{tmp_path}/store.db")
    ask(provider)

    def call_in_child() -> bool:
        ask(provider)
        ask(provider)
        provider.close()
        return True

    assert in_child(call_in_child)
    ask(provider)
    assert provider.statistics.report(since=HOUR).totals.calls == 4
    provider.close()
