"""Open a store by its address."""

import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from ..errors import ConfigError
from .base import DEFAULT_MAX_BYTES, Backend
from .shared import SharedStore

_DIGITS = 18
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_OF_REDIS = {
    "redis": "redis://host:6379/0",
    "rediss": "rediss://host:6379/0",
    "unix": "unix:///path/of/socket?db=0",
    "redis+cluster": "redis+cluster://host:6379,host:6379",
    "rediss+cluster": "rediss+cluster://host:6379,host:6379",
    "redis+sentinel": "redis+sentinel://host:26379,host:26379/service/0",
    "rediss+sentinel": "rediss+sentinel://host:26379,host:26379/service/0",
}
SCHEMES = (
    "memory://",
    "sqlite:///file",
    _OF_REDIS["redis"],
    _OF_REDIS["redis+cluster"],
    _OF_REDIS["redis+sentinel"],
    "django-cache://alias",
)


_HINTS = {
    "django-db": 'Add "ai_client_django" and "ai_client_django.store" to INSTALLED_APPS, and call django.setup() in'
    " scripts."
}
_registered: dict[str, Callable[[str], Backend]] = {}


def register_scheme(scheme: str, open_backend: Callable[[str], Backend]) -> None:
    """Register a kind of store for `open_store`, and so for the option `store`.

    Args:
        scheme: The scheme of its addresses, such as `dynamodb`.
        open_backend: Makes a backend of an address; it connects to nothing, and raises `ConfigError` where the
            address is invalid. Called again for a scheme that was registered before, it replaces the earlier one.

    Raises:
        ConfigError: It is no scheme, or one of this package's own.
    """
    if not _SCHEME.fullmatch(scheme) or scheme in {"memory", "sqlite", "django-cache", *_OF_REDIS}:
        raise ConfigError(f"register_scheme: {scheme!r} cannot be registered.")
    _registered[scheme] = open_backend


def open_store(url: str = "memory://", *, on_failure: Literal["open", "closed"] = "open") -> SharedStore:
    """Build the store at *url*; nothing is opened or connected before its first use.

    Args:
        url: `memory://`; `sqlite:///relative.db` or `sqlite:////absolute.db`, both with an optional `?max_bytes=` to
            bound cached values; `redis://`, `rediss://` or `unix://` as redis-py accepts them;
            `redis+cluster://host:port,host:port`; `redis+sentinel://host:port,host:port/service/db`, both also as
            `rediss+`; `django-db://alias` and `django-cache://alias`, where the alias defaults to `default`; or one of
            a scheme that was registered.
        on_failure: What happens to calls while the store is down, see `SharedStore`.

    Raises:
        ConfigError: The address is invalid.
        ImportError: The store's library is not installed.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"store: expected an address, not {type(url).__name__}.")
    if on_failure not in ("open", "closed"):
        raise ConfigError("on_failure must be 'open' or 'closed'.")
    scheme, mark, rest = url.partition("://")
    if scheme == "memory" and mark:
        from .memory import MemoryBackend  # noqa: PLC0415 - only the store in use is imported

        return SharedStore(MemoryBackend(split_address(rest)[1]), on_failure=on_failure)
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from .sqlite import SqliteBackend  # noqa: PLC0415

        path, max_bytes = split_address(rest[1:])
        path = unquote(path)
        _check_file(path)
        return SharedStore(SqliteBackend(path, max_bytes), on_failure=on_failure, threads=1)
    if scheme in _OF_REDIS and rest:
        from .redis import RedisBackend  # noqa: PLC0415

        try:
            backend = RedisBackend(url)
        except (ValueError, TypeError, AttributeError):  # their messages may contain parts of a password
            raise ConfigError(f"store: not a valid Redis address, such as {_OF_REDIS[scheme]}.") from None
        return SharedStore(backend, on_failure=on_failure)
    if scheme == "django-cache" and mark:
        from .django_cache import DjangoCacheBackend  # noqa: PLC0415

        _check_cache(rest or "default")
        return SharedStore(DjangoCacheBackend(rest or "default"), on_failure=on_failure)
    if mark and scheme in _registered:
        return SharedStore(_registered[scheme](url), on_failure=on_failure)
    if mark and scheme in _HINTS:
        raise ConfigError(f"store: {scheme}:// is not available. {_HINTS[scheme]}")
    known = ", ".join([*SCHEMES, *(f"{name}://" for name in _registered)])
    if not mark or not _SCHEME.fullmatch(scheme):  # not shown: it may be the beginning of a password
        raise ConfigError(f"store: an address with a scheme is expected; valid addresses are {known}.")
    raise ConfigError(f"store: unknown scheme {scheme!r}; valid addresses are {known}.")


def _check_file(path: str) -> None:
    """Validate that a file can be written or created; nothing is created here.

    Raises:
        ConfigError: It is a directory, or the nearest existing directory is not writable.
    """
    try:
        file = Path(path).absolute()
        if file.exists():
            works = file.is_file() and os.access(file, os.R_OK | os.W_OK)
        else:
            near = next(parent for parent in file.parents if parent.exists())
            works = near.is_dir() and os.access(near, os.W_OK | os.X_OK)
    except (OSError, ValueError):
        works = False
    if not works or "\0" in path:
        raise ConfigError(f"store: the file {path!r} cannot be written.")


def _check_cache(alias: str) -> None:
    """Validate that an alias is in Django's `CACHES`; skipped while no settings are configured.

    Raises:
        ConfigError: `CACHES` has no such alias.
        ImportError: Django is not installed.
    """
    if find_spec("django") is None:
        raise ImportError("A django-cache:// store needs Django: pip install 'ai-client[django]'")
    conf: Any = import_module("django.conf")
    if not conf.settings.configured and not os.environ.get("DJANGO_SETTINGS_MODULE"):
        return
    caches: Any = import_module("django.core.cache").caches
    aliases: list[str] = list(getattr(caches, "settings", caches))
    if alias not in aliases:
        near = get_close_matches(alias, aliases, n=1) or aliases
        raise ConfigError(f"store: CACHES has no {alias!r}. Did you mean {near[0]!r}?")


def split_address(rest: str) -> tuple[str, int]:
    """Split the rest of an address into its path and the bound on cached values in bytes.

    Raises:
        ConfigError: An option is unknown, or the bound is not a positive integer.
    """
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    bound = options.pop("max_bytes", str(DEFAULT_MAX_BYTES))
    if options:
        raise ConfigError(f"store: {next(iter(options))}: unknown option. Valid options: max_bytes.")
    if not bound.isdecimal() or len(bound) > _DIGITS or not int(bound):
        raise ConfigError("store: max_bytes: expected a positive number of bytes.")
    return path, int(bound)
