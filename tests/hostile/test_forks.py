"""Forks at any moment of calls, of threads and of loops: no child hangs, and none harms its parent."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile.forking import ANSWER
from tests.support.hostile.framing import script
from tests.support.hostile.wire import Wire
from tests.support.policies import running_redis

pytestmark = pytest.mark.slow

FORKS = 10


def run_forks(**told: Any) -> None:
    """Run the program that forks; each child must end in order."""
    command = [sys.executable, "-m", "tests.support.hostile.forking", json.dumps({"forks": FORKS, **told})]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=root)
    assert done.returncode == 0, done.stderr[-6000:]
    codes: list[int] = json.loads(done.stdout)
    assert set(codes) == {0}, done.stderr[-6000:]


@pytest.mark.parametrize("fork", ["python", "c"])
@pytest.mark.parametrize("owner", ["bare", "provider"])
@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_no_child_hangs(kind: str, owner: str, fork: str, tmp_path: Path, wire: Wire) -> None:
    """Of processes forked while threads and a loop call, each makes a sync and an async call and ends."""
    wire.answer = lambda request: script([ANSWER], "length")  # noqa: ARG005 - the interface
    if kind == "redis":
        with running_redis(tmp_path) as server:
            run_forks(base_url=wire.base_url, store=server.url, owner=owner, fork=fork)
        return
    store = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/store.db"}[kind]
    run_forks(base_url=wire.base_url, store=store, owner=owner, fork=fork)


@pytest.mark.parametrize("fork", ["python", "c"])
@pytest.mark.parametrize(
    ("owner", "made"), [("bare", "over"), ("provider", "over"), ("provider", "classes")], ids=str
)
def test_no_child_of_official_clients_hangs(owner: str, made: str, fork: str, wire: Wire) -> None:
    """The same holds for the official SDK's clients over ours, and for those that a provider builds."""
    wire.answer = lambda request: script([ANSWER], "length")  # noqa: ARG005 - the interface
    run_forks(base_url=wire.base_url, store="memory://", owner=owner, fork=fork, official=made)
