"""The journal of processes: together, forked, at their end, and killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.control.journal import recording as recording_module
from ai_client.errors import StoreError
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.forks import in_child, unannounced
from tests.support.invoke import CHAT
from tests.support.policies import Redis

PATIENCE = 60.0
BEGIN = """
import os, sys, time
from ai_client import ClientProvider, labels
CHAT = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}
provider = ClientProvider(base_url=sys.argv[1], api_key="sk-test", controls={
    "store": sys.argv[2], "journal": {"per_second": 1000, "content": True}})
def call(tenant):
    with labels(tenant=tenant):
        provider.client.chat.completions.create(**CHAT)
"""


def provider_of(upstream: Upstream, store: str) -> ClientProvider:
    """Return a provider with a journal in a store."""
    controls = {"store": store, "journal": {"per_second": 1000, "content": True}}
    return ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls)


def tenants(provider: ClientProvider) -> list[str]:
    """Return the tenants of all entries, sorted."""
    return sorted(str(entry.tenant) for entry in provider.journal.entries(limit=10_000))


def ended(process: "subprocess.Popen[str]") -> int:
    """Wait for the end of a process; return its code."""
    with process:
        return process.wait(PATIENCE)


def start(code: str, upstream: Upstream, store: str) -> "subprocess.Popen[str]":
    """Start a process that runs code with a provider and a function to make calls."""
    command = [sys.executable, "-c", BEGIN + code, upstream.base_url, store]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", ["sqlite", "redis", "redis_cluster"])
def test_processes_share_a_journal(kind: str, upstream: Upstream, request: pytest.FixtureRequest) -> None:
    """Entries of two processes that make calls at the same time are all there, each with its process."""
    store = str(request.getfixturevalue(f"a_{kind}"))
    code = "for number in range(60): call(f'NAME-{number}')\nprovider.close()"
    workers = [start(code.replace("NAME", name), upstream, store) for name in ("a", "b")]
    for worker in workers:
        assert ended(worker) == 0
    provider = provider_of(upstream, store)
    assert tenants(provider) == sorted(f"{name}-{number}" for name in ("a", "b") for number in range(60))
    entries = provider.journal.entries(limit=200)
    assert {entry.process.rpartition(":")[2] for entry in entries} == {str(one.pid) for one in workers}
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    provider.close()


@pytest.mark.parametrize("fork", [os.fork, unannounced], ids=["announced", "unannounced"])
def test_a_child_writes_its_own_calls(fork: Any, upstream: Upstream, tmp_path: Path) -> None:
    """A forked child writes the calls that it made, and its parent those before the fork, each once."""
    provider = provider_of(upstream, f"sqlite:///{tmp_path / 'store.db'}")
    provider.client.chat.completions.create(**CHAT)

    def work() -> bool:
        provider.client.chat.completions.create(**CHAT)
        written = provider.journal.entries()
        return len(written) in {1, 2} and written[0].process.endswith(f":{os.getpid()}")

    assert in_child(work, fork)
    entries = provider.journal.entries()
    assert len(entries) == 2
    assert len({entry.process for entry in entries}) == 2
    provider.close()


def test_the_heartbeat_writes_and_a_killed_process_loses_its_last_second_at_most(
    upstream: Upstream, tmp_path: Path
) -> None:
    """Calls made some time before `kill -9` are in the store, though nobody closed or read anything."""
    store = f"sqlite:///{tmp_path / 'store.db'}"
    code = "for number in range(5): call(str(number))\nprint('called', flush=True)\ntime.sleep(60)"
    process = start(code, upstream, store)
    provider = provider_of(upstream, store)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        give_up = time.monotonic() + PATIENCE
        while len(tenants(provider)) < 5 and time.monotonic() < give_up:
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        ended(process)
    assert tenants(provider) == ["0", "1", "2", "3", "4"]
    assert all(provider.journal.content(entry.id) for entry in provider.journal.entries())
    provider.close()


def test_the_end_of_a_process_writes_what_is_left(upstream: Upstream, tmp_path: Path) -> None:
    """A process that ends without closing its provider writes all, one that multiprocessing forked too."""
    store = f"sqlite:///{tmp_path / 'store.db'}"
    code = """
import multiprocessing
call("parent")
worker = multiprocessing.get_context("fork").Process(target=call, args=("child",))
worker.start()
worker.join()
"""
    assert ended(start(code, upstream, store)) == 0
    provider = provider_of(upstream, store)
    assert tenants(provider) == ["child", "parent"]
    provider.close()


def test_closing_writes_what_is_left(upstream: Upstream, tmp_path: Path) -> None:
    """A provider that is closed has written its journal, whether its store was given by address or as an object."""
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    for given in (f"sqlite:///{tmp_path / 'store.db'}", store):
        provider = provider_of(upstream, given)  # type: ignore[arg-type]
        provider.client.chat.completions.create(**CHAT)
        backend: Any = store.backend
        kept = backend.log_state("journal|", "").kept
        provider.close()
        assert backend.log_state("journal|", "").kept == kept + 1
    store.close()


def test_a_store_that_is_down_gets_the_entries_later(
    upstream: Upstream, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go on while the store is down, reading says so, and entries are written when it is back, bounded."""
    monkeypatch.setattr("ai_client.stores.shared.PAUSE", 0.0)
    monkeypatch.setattr(recording_module, "_MOST", 20)
    redis_server.ask("FLUSHALL")
    provider = provider_of(upstream, redis_server.url)
    provider.client.chat.completions.create(**CHAT)
    assert len(provider.journal.entries()) == 1
    redis_server.stop()
    try:
        for number in range(30):
            provider.client.chat.completions.create(**CHAT, user=str(number))
        with pytest.raises(StoreError):
            provider.journal.entries()
    finally:
        redis_server.start()
    give_up = time.monotonic() + PATIENCE
    while not (state := provider.journal.state()).kept and time.monotonic() < give_up:
        time.sleep(0.05)
    assert 15 <= state.kept <= 31
    assert state.kept + state.left_out in {30, 31}  # what it held before it was stopped may be gone
    provider.close()
