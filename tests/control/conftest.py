"""What the tests of the policies share."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ai_client.testing import Upstream
from tests.support.invoke import Invoke
from tests.support.policies import Clock, Redis, running_redis


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn, without retries."""
    with closing(Invoke(upstream, sync=sync, max_retries=0)) as invoke:
        yield invoke


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Yield a running Redis server, or skip."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
