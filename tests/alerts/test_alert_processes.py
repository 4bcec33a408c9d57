"""Alerts of several processes: each is delivered once, also where one of them is killed while it delivers."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ai_client.testing import Upstream
from tests.support.accounts import chat_reply
from tests.support.alert_receiver import AlertReceiver

ROOT = Path(__file__).parents[2]
PATIENCE = 120


@contextmanager
def worker(
    upstream: Upstream, receiver: AlertReceiver, store: str, calls: int, claim: float
) -> Generator[subprocess.Popen[bytes]]:
    """Yield a process that makes calls, and end it afterwards."""
    arguments = [upstream.base_url, receiver.url, store, str(calls), str(claim)]
    command = [sys.executable, "-m", "tests.support.alert_worker", *arguments]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_each_alert_is_delivered_once(upstream: Upstream, receiver: AlertReceiver, shared_url: str) -> None:
    """Three processes that use up a budget together deliver one alert for each of its shares."""
    upstream.always(chat_reply)
    started = [worker(upstream, receiver, shared_url, 10, 300) for _ in range(3)]
    with started[0] as one, started[1] as two, started[2] as three:
        assert [process.wait(PATIENCE) for process in (one, two, three)] == [0, 0, 0]
    half, whole = sorted(
        int(event.data["title"].removeprefix("Budget at ").partition(" ")[0]) for event in receiver.events()
    )
    assert 50 <= half < 100 <= whole  # the share that is used when somebody looks


@pytest.mark.slow
def test_a_process_that_is_killed_keeps_no_alert(
    upstream: Upstream, receiver: AlertReceiver, shared_url: str
) -> None:
    """What a killed process was delivering another one delivers, under the same id, once the claim has expired."""
    upstream.always(chat_reply)
    receiver.hangs = True
    with worker(upstream, receiver, shared_url, 11, 1.0) as first:
        receiver.wait_for(1)
        first.send_signal(signal.SIGKILL)
        first.wait(PATIENCE)
    receiver.hangs = False
    with worker(upstream, receiver, shared_url, 150, 1.0) as second:
        assert second.wait(PATIENCE) == 0
    events = receiver.events()
    first_ids = [event.id for event in events if event.data["value"] < 1000]
    assert len({event.id for event in events}) == 2
    assert len(first_ids) in {1, 2}
    assert len(events) == 3
