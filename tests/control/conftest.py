"""What the tests of the policies share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_client.testing import Upstream
from tests.support.collector import Collector
from tests.support.invoke import Invoke
from tests.support.policies import Clock, Redis, running_redis


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn, without retries."""
    with closing(Invoke(upstream, sync=sync, max_retries=0)) as invoke:
        yield invoke


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Yield a place for spans and measurements."""
    with closing(Collector()) as collector:
        yield collector


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Yield a running Redis server, or skip."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a fresh store of each kind."""
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server = request.getfixturevalue("redis_server")
    import redis

    with redis.Redis.from_url(server.url) as connection:
        connection.flushall()
    return str(server.url)


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store that processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Redis = request.getfixturevalue("redis_server")
    import redis

    with redis.Redis.from_url(server.url) as connection:
        connection.flushall()
    return server.url
