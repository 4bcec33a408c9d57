"""What the tests of alerts share."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_client.control.alerts import outbox
from ai_client.testing import Upstream
from tests.support.alert_receiver import AlertReceiver, running_receiver
from tests.support.invoke import Invoke
from tests.support.policies import Redis, running_redis


@pytest.fixture(autouse=True)
def delivered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End with nothing on its way, of which the next test would find in the log what became of it."""
    monkeypatch.setattr(outbox, "_IDLE", 0.0)
    yield
    for thread in threading.enumerate():
        if thread.name == "ai-client-alerts":
            thread.join(30)


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn, without retries."""
    with closing(Invoke(upstream, sync=sync, max_retries=0)) as invoke:
        yield invoke


@pytest.fixture
def receiver() -> Iterator[AlertReceiver]:
    """Yield a running receiver of webhooks."""
    with running_receiver() as found:
        yield found


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Yield a running Redis server, or skip."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store that processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Redis = request.getfixturevalue("redis_server")
    server.ask("FLUSHALL")
    return server.url
