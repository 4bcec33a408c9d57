"""The upstream and the two clients that policies are tested on."""

from collections.abc import Iterator

import pytest

from ai_client.testing import Upstream
from tests.support.policies import Both, Clock, Redis, running_redis


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Both]:
    """Yield each of the two clients in turn."""
    both = Both(request.param, upstream.base_url)
    yield both
    both.close()


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Yield a running Redis server, or skip."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
