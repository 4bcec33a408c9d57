"""Classes of SDKs: the official one and others of its family, and what closing their clients does.

The SDKs of OpenAI's family take an HTTP client, and make one with `DefaultHttpxClient` or `DefaultAsyncHttpxClient`.
"""

import sys
from typing import Any, cast

from .._base_client import BaseClient
from .._libraries import httpx

OFFICIAL = "openai"
_ENDS = ("close", "aclose", "__enter__", "__exit__", "__aenter__", "__aexit__")
_OURS = __name__.partition(".")[0]


def is_ours(make: Any) -> bool:
    """Return whether a class is derived from the clients of this package, or one of them."""
    return isinstance(make, type) and issubclass(make, BaseClient)


def is_official(make: Any) -> bool:
    """Return whether a class is derived from the clients of the official SDK, or one of them."""
    sdk: Any = sys.modules.get(OFFICIAL)
    if not (isinstance(make, type) and hasattr(sdk, "OpenAI") and hasattr(sdk, "AsyncOpenAI")):
        return False  # not imported, or half imported
    return issubclass(make, (sdk.OpenAI, sdk.AsyncOpenAI))


def http_library_of(make: Any, *, sync: bool) -> str | None:
    """Return the name of the HTTP library that the SDK of a class builds on; `None` where it is none of the family."""
    default = _default_of(package_of(make), sync=sync)
    homes = [base.__module__.partition(".")[0] for base in getattr(default, "__mro__", ())]
    return next((home for home in homes if home in {"httpx", "httpx2"}), None)


def closes_as_known(make: Any, client: Any) -> bool:
    """Return whether closing a client is left to the SDK that its class is derived from, or to this package."""
    package = package_of(make)
    found = [getattr(make, name, None) for name in _ENDS]
    return (
        bool(package)
        and isinstance(client, make)
        and all(_top_of(end) == package for end in found if end is not None)
    )


def package_of(make: Any) -> str:
    """Return the package of the SDK that a class is of or derived from; nothing if there is none."""
    for base in getattr(make, "__mro__", ()):
        package = _top_of(base)
        if package == _OURS or _default_of(package, sync=True) is not None:
            return package
    return ""


def _default_of(package: str, *, sync: bool) -> type[Any] | None:
    """Return the class of the HTTP clients that an SDK makes."""
    found: Any = getattr(
        sys.modules.get(package), "DefaultHttpxClient" if sync else "DefaultAsyncHttpxClient", None
    )
    return found if isinstance(found, type) else None


def _top_of(defined: Any) -> str:
    """Return the top package of a class or function."""
    return str(getattr(defined, "__module__", None)).partition(".")[0]


def withhold(http_client: Any, headers: frozenset[tuple[str, str]]) -> None:
    """Keep headers out of what an HTTP client of its own sends for an SDK: those that the SDK makes of the environment.

    Args:
        http_client: The SDK's, which its copies share; one without hooks for requests is left as it is.
        headers: Names in lower case, and values.
    """
    found: Any = getattr(http_client, "event_hooks", None)
    if not headers or not isinstance(found, dict):
        return
    hooks = cast("dict[str, list[Any]]", found)

    def strip(request: "httpx.Request") -> None:
        for name, value in headers:
            if request.headers.get(name) == value:
                del request.headers[name]

    async def strip_awaited(request: "httpx.Request") -> None:
        strip(request)

    hook = strip_awaited if hasattr(http_client, "aclose") else strip
    http_client.event_hooks = {**hooks, "request": [*hooks.get("request", ()), hook]}
