"""Stores by address."""

from typing import Literal
from urllib.parse import parse_qsl, unquote

from ..errors import ConfigError
from .base import DEFAULT_MAX_BYTES
from .shared import SharedStore

SCHEMES = ("memory://", "sqlite:///file", "redis://host:6379/0", "django-cache://alias")


def open_store(url: str = "memory://", *, on_failure: Literal["open", "closed"] = "open") -> SharedStore:
    """Make the store that *url* names; nothing is opened or connected before its first use.

    Args:
        url: `memory://`; `sqlite:///relative.db` or `sqlite:////absolute.db`, both with `?max_bytes=` for the bound
            on values; `redis://`, `rediss://` or `unix://` as redis-py takes them; `django-cache://alias`, the alias
            being `default` where there is none.
        on_failure: What happens to calls while the store is down, see `SharedStore`.

    Raises:
        ConfigError: The address names no store.
        ImportError: The store's library is not installed.
    """
    if on_failure not in {"open", "closed"}:
        raise ConfigError("on_failure must be 'open' or 'closed'.")
    scheme, mark, rest = url.partition("://")
    if scheme == "memory" and mark:
        from .memory import MemoryBackend  # noqa: PLC0415 - only the store that is used is loaded

        return SharedStore(MemoryBackend(_parted(rest)[1]), on_failure=on_failure)
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from .sqlite import SqliteBackend  # noqa: PLC0415

        path, max_bytes = _parted(rest[1:])
        return SharedStore(SqliteBackend(unquote(path), max_bytes), on_failure=on_failure, threads=1)
    if scheme in {"redis", "rediss", "unix"} and rest:
        from .redis import RedisBackend  # noqa: PLC0415

        return SharedStore(RedisBackend(url), on_failure=on_failure)
    if scheme == "django-cache" and mark:
        from .django_cache import DjangoCacheBackend  # noqa: PLC0415

        return SharedStore(DjangoCacheBackend(rest or "default"), on_failure=on_failure)
    known = ", ".join(SCHEMES)
    raise ConfigError(f"No store is known by the scheme {scheme!r}; there are {known}.")


def _parted(rest: str) -> tuple[str, int]:
    """Part an address into what is before its options, and the bound on values that they give."""
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    bound = options.pop("max_bytes", str(DEFAULT_MAX_BYTES))
    if options:
        raise ConfigError(f"store: {next(iter(options))}: unknown option. There is: max_bytes.")
    if not bound.isdecimal() or not int(bound):
        raise ConfigError("store: max_bytes: a number of bytes is expected.")
    return path, int(bound)
