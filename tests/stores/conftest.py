"""The stores under test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.policies import Redis, running_redis
from tests.support.redis_cluster import RedisCluster, RedisService, running


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Yield a running Redis server, or skip."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Yield a running cluster of three primaries, or skip."""
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    with running(cluster):
        yield cluster


@pytest.fixture(scope="session")
def redis_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisService]:
    """Yield a running service behind a sentinel, or skip."""
    service = RedisService(tmp_path_factory.mktemp("service"))
    with running(service):
        yield service


STORES = ["memory", "sqlite", "redis", "redis-cluster", "redis-sentinel", "django-cache"]


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a fresh store of each kind."""
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        import redis

        with redis.Redis.from_url(server.url) as connection:
            connection.flushall()
        return str(server.url)
    if request.param == "redis-cluster":
        cluster: RedisCluster = request.getfixturevalue("redis_cluster")
        cluster.flush()
        return cluster.url
    if request.param == "redis-sentinel":
        service: RedisService = request.getfixturevalue("redis_service")
        service.primary.ask("FLUSHALL")
        return service.url
    from django.core import cache
    from django.core.cache.backends.locmem import LocMemCache

    patch = request.getfixturevalue("monkeypatch")  # so that the test needs no settings of Django
    patch.setattr(cache, "caches", {"default": LocMemCache(str(tmp_path), {})})
    return "django-cache://default"
