"""The stores under test."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import django_databases
from tests.support.policies import Redis, running_redis
from tests.support.postgres import Postgres, running_postgres
from tests.support.redis_cluster import RedisCluster, RedisService, running

django_databases.load_site()


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a running server of PostgreSQL, or skip."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres, django_db_blocker: Any) -> Postgres:
    """Return a server with the tables of the store."""
    with django_databases.database("postgres", postgres.settings), django_db_blocker.unblock():
        django_databases.migrate("postgres")
    return postgres


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """Return a file of SQLite with the tables of the store, to be copied."""
    path = tmp_path_factory.mktemp("django") / "migrated.db"
    with (
        django_databases.database("template", django_databases.sqlite_options(path)),
        django_db_blocker.unblock(),
    ):
        django_databases.migrate("template")
    return path


@pytest.fixture
def a_django_sqlite(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> Iterator[str]:
    """Yield the address of a store in a Django project's SQLite database."""
    shutil.copy(migrated_file, tmp_path / "django.db")
    django_databases.keep_connections(monkeypatch)
    options = django_databases.sqlite_options(tmp_path / "django.db")
    with django_databases.database("lite", options), django_db_blocker.unblock():
        yield "django-db://lite"


@pytest.fixture
def a_django_postgres(
    migrated_postgres: Postgres, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> Iterator[str]:
    """Yield the address of a store in a Django project's PostgreSQL database."""
    tables = ", ".join(f"ai_client_store_{table}" for table in django_databases.TABLES)
    migrated_postgres.ask(f"TRUNCATE {tables}")
    django_databases.keep_connections(monkeypatch)
    with django_databases.database("postgres", migrated_postgres.settings), django_db_blocker.unblock():
        yield "django-db://postgres"


@pytest.fixture
def a_memory() -> str:
    """Return the address of a store in memory."""
    return "memory://"


@pytest.fixture
def a_sqlite(tmp_path: Path) -> str:
    """Return the address of a store in a new file."""
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def a_redis(redis_server: Redis) -> str:
    """Return the address of an empty server."""
    redis_server.ask("FLUSHALL")
    return redis_server.url


@pytest.fixture
def a_redis_cluster(redis_cluster: RedisCluster) -> str:
    """Return the address of an empty cluster."""
    redis_cluster.flush()
    return redis_cluster.url


@pytest.fixture
def a_redis_sentinel(redis_service: RedisService) -> str:
    """Return the address of an empty service."""
    redis_service.primary.ask("FLUSHALL")
    return redis_service.url


@pytest.fixture
def a_django_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a store in a new cache, which needs no settings of Django."""
    from django.core import cache
    from django.core.cache.backends.locmem import LocMemCache

    monkeypatch.setattr(cache, "caches", {"default": LocMemCache(str(tmp_path), {})})
    return "django-cache://default"


STORES = (
    "memory",
    "sqlite",
    "redis",
    "redis-cluster",
    "redis-sentinel",
    "django-cache",
    "django-sqlite",
    "django-postgres",
)


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a fresh store of each kind."""
    return str(request.getfixturevalue(f"a_{request.param.replace('-', '_')}"))
