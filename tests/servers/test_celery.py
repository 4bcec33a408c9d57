"""Clients in the tasks of a Celery worker with prefork."""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile.wire import Wire
from tests.support.policies import running_redis
from tests.support.server_table import REQUESTS
from tests.support.servers import ROOT

pytestmark = pytest.mark.slow
WORKERS = 2
SECONDS = 120
ASK = f"""
import json
from tests.support.echo.celery_app import ask, ask_async, two
numbers = [f"n{{number}}" for number in range({REQUESTS})]
sent = [(ask_async if index % 2 else ask).delay(number) for index, number in enumerate(numbers)]
answers = [result.get(timeout={SECONDS}, interval=0.02) for result in sent]
print(json.dumps([numbers, answers, two.delay("two").get(timeout={SECONDS}, interval=0.02)]))
"""


@contextmanager
def working(**environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker with two processes, and end it after the block."""
    command = (
        *("celery", "--app", "tests.support.echo.celery_app", "worker"),
        *("--pool", "prefork", "--concurrency", str(WORKERS), "--loglevel", "warning"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **environment}, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise


@pytest.mark.parametrize("use", ["master", "worker"])
def test_each_task_gets_its_answer(upstream: Wire, tmp_path: Path, use: str) -> None:
    """Each process of a worker has one client of each kind, and every task its own answer, until it ends in order."""
    with running_redis(tmp_path) as redis:
        environment = {"UPSTREAM": upstream.base_url, "BROKER": redis.url}
        with working(**environment, FIRST_USE=use) as worker:
            asked = subprocess.run(
                [sys.executable, "-c", ASK],
                cwd=ROOT,
                env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                timeout=2 * SECONDS,
                check=False,
            )
            assert asked.returncode == 0, asked.stderr.decode()
            numbers, answers, both = json.loads(asked.stdout)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
    assert [answer["text"] for answer in answers] == numbers
    assert [answer["text"] for answer in both] == ["two", "two"]
    clients: defaultdict[int, set[Any]] = defaultdict(set)
    for answer in answers:
        clients[answer["process"]].add(answer["client"])
    assert len(clients) <= WORKERS
    assert all(len(used) <= 2 for used in clients.values())
