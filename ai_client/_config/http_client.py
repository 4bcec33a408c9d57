"""HTTP clients of the application's own, as its configuration names them."""

import sys
from collections.abc import Mapping
from typing import Any

from .._params.dotted import imported, shown_path
from ..errors import ConfigError

_KINDS = {True: ("Client", "BaseTransport"), False: ("AsyncClient", "AsyncBaseTransport")}


def at(given: Any) -> Any:
    """Return what an option gives, which may be its dotted path.

    Raises:
        ConfigError: There is nothing at the path, or importing it fails.
    """
    return imported(given, "HTTP client") if isinstance(given, str) else given


def checked(given: Any) -> Any:
    """Return an HTTP client, a transport, what makes one, or the dotted path of one of them.

    Raises:
        ConfigError: It is none of these.
    """
    if given is None:
        return None
    found = at(given)
    if _kind_of(found) is None and not callable(found):
        what = f"The HTTP client {shown_path(given)}" if isinstance(given, str) else type(given).__name__
        raise ConfigError(
            f"{what} is no client or transport of httpx or httpx2, and no function that returns one"
        )
    return given


def sorted_out(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return options with an async HTTP client in its place, where that is given as `http_client` and nothing else is.

    What is at the path of none fails later, by its name.
    """
    http_client = given.get("http_client")
    if isinstance(http_client, str) or given.get("async_http_client") is not None:
        return given
    if kind_of(http_client) is not False:
        return given
    rest = {name: value for name, value in given.items() if name != "http_client"}
    return {**rest, "async_http_client": http_client}


def kind_of(given: Any) -> bool | None:
    """Return whether an HTTP client, its class or its path is visibly a sync one (true) or an async one (false)."""
    return _kind_of(at(given))


def _kind_of(found: object) -> bool | None:
    for name in ("httpx", "httpx2"):
        http = sys.modules.get(name)
        for sync, names in _KINDS.items() if http is not None else ():
            kinds = tuple(
                getattr(http, kind) for kind in names if hasattr(http, kind)
            )  # it may be half imported
            if issubclass(found, kinds) if isinstance(found, type) else isinstance(found, kinds):
                return sync
    return None
