"""HTTP clients of the application's own in the clients of a configuration."""

from typing import Any

from .._client.arguments import check_http_client, library_of
from .._config.http_client import at, kind_of
from ..config import ClientConfig
from ..errors import ConfigError

_OPTIONS = {True: "http_client", False: "async_http_client"}


def http_client_of(config: ClientConfig, *, sync: bool) -> Any:
    """Return the HTTP client for a client of a configuration, `None` for the pool; a function is called for a new one.

    Raises:
        ConfigError: Only the other kind of client has one, or a function failed or returned something else.
    """
    option, other = _OPTIONS[sync], _OPTIONS[not sync]
    given = getattr(config, option)
    if given is None:
        if getattr(config, other) is not None:
            raise ConfigError(
                f"{option}: missing, while {other} is set, which serves the other kind of client only. Set both."
            )
        return None
    found = at(given)
    if _is_made(found):
        try:
            found = found()
        except Exception as error:
            raise ConfigError(f"{option}: making it failed ({type(error).__name__}: {error}).") from error
        try:
            check_http_client(found, library_of(found, config.http_backend), sync=sync)
        except TypeError as error:
            raise ConfigError(f"{option}: {error}") from None
    return found


def is_kept(config: ClientConfig, *, sync: bool) -> bool:
    """Return whether the HTTP client of a configuration is an object, which its owner closes."""
    given = getattr(config, _OPTIONS[sync])
    return given is not None and not _is_made(at(given))


def _is_made(found: Any) -> bool:
    """Return whether an HTTP client is made by a function or a class."""
    return isinstance(found, type) or kind_of(found) is None
