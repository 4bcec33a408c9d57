"""The stores under test, for tests of operations."""

from tests.stores.conftest import (
    a_django_cache,
    a_django_postgres,
    a_django_sqlite,
    a_memory,
    a_redis,
    a_redis_cluster,
    a_redis_sentinel,
    a_sqlite,
    migrated_file,
    migrated_postgres,
    postgres,
    redis_cluster,
    redis_server,
    redis_service,
    store_url,
)

__all__ = [
    "a_django_cache",
    "a_django_postgres",
    "a_django_sqlite",
    "a_memory",
    "a_redis",
    "a_redis_cluster",
    "a_redis_sentinel",
    "a_sqlite",
    "migrated_file",
    "migrated_postgres",
    "postgres",
    "redis_cluster",
    "redis_server",
    "redis_service",
    "store_url",
]
