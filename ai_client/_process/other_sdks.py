"""Clients of other SDKs over the connections of this package, so that loops, forks and the drain hold for them too.

The SDKs of OpenAI's family take an HTTP client, and make one with `DefaultHttpxClient` or `DefaultAsyncHttpxClient`.
"""

import sys
from collections.abc import Callable
from typing import Any, Self, cast

from .._exchange.call_request import CallRequest
from .._exchange.loop_sender import LoopSender
from .._exchange.pool_senders import AsyncPoolHop, PoolHop
from .._http.library import library
from .._http.options import PoolOptions
from .._io import finish
from .._libraries import httpx
from .._pool.async_pool import AsyncPool
from .._pool.sync_pool import SyncPool
from .gate import DrainGate
from .gated_io import GatedAsyncIO, GatedSyncIO

OF_THE_POOL = frozenset({"max_connections", "keepalive_expiry", "trust"})
_ENDS = ("close", "aclose", "__enter__", "__exit__", "__aenter__", "__aexit__")
_OURS = __name__.partition(".")[0]


def http_client_for(
    make: Callable[..., Any],
    options: dict[str, Any],
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> Any:
    """Make the HTTP client for an SDK's class; `None` where that is not of the family.

    Args:
        make: The class, which may be derived from an SDK's.
        options: Of the pool.
        gate: What requests go through.
        keep_open: What it calls instead of closing, until `release`: an SDK's client, and each copy of it, closes the
            HTTP client that it was given.
        sync: Which kind of client it is.
    """
    default = _default_of(_package_of(make), sync=sync)
    if default is None:
        return None
    homes = {base.__module__.partition(".")[0] for base in default.__mro__}
    known = homes & {"httpx", "httpx2"}
    if not known:
        return None
    kind: Any = type(default.__name__, (_KeptClient if sync else _KeptAsyncClient, default), {})
    http_client = kind(transport=_transport(known.pop(), options, gate, sync=sync))
    http_client._keep_open = keep_open
    return http_client


def release(http_client: Any) -> None:
    """Make an HTTP client that was made here closable."""
    if isinstance(http_client, _KeptClient | _KeptAsyncClient):
        http_client._keep_open = None


def ends_with_http_client(make: Callable[..., Any], client: Any, http_client: Any) -> bool:
    """Return whether closing a client is left to code that is known: its SDK's, which closes the HTTP client, or ours.

    Args:
        make: The class or function that made it.
        client: The client.
        http_client: The HTTP client that was given to it, if any.
    """
    package = _package_of(make)
    if not package or not (package == _OURS or isinstance(http_client, _KeptClient | _KeptAsyncClient)):
        return False
    found = [getattr(make, name, None) for name in _ENDS]
    return type(client) is make and all(_top_of(end) == package for end in found if end is not None)


def _package_of(make: Callable[..., Any]) -> str:
    """Return the package of the SDK that a class is of or derived from; nothing if there is none."""
    for base in getattr(make, "__mro__", ()):
        package = _top_of(base)
        if _default_of(package, sync=True) is not None:
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
    """Keep headers out of what an SDK's HTTP client sends: those that the SDK makes of the environment by itself.

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


class _KeptClient:
    """An HTTP client that stays open until its provider closes it."""

    _keep_open: Callable[[], None] | None

    def close(self) -> None:
        if self._keep_open is not None:
            self._keep_open()
            return
        above: Any = super()
        above.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _KeptAsyncClient:
    """The same, async."""

    _keep_open: Callable[[], None] | None

    async def aclose(self) -> None:
        if self._keep_open is not None:
            self._keep_open()
            return
        above: Any = super()
        await above.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def is_ours(http_client: Any) -> bool:
    """Return whether an HTTP client was made here; such a client can be closed from any loop."""
    return isinstance(getattr(http_client, "_transport", None), _AsyncGatedTransport)


def _transport(name: str, options: dict[str, Any], gate: DrainGate, *, sync: bool) -> Any:
    found = library(name)
    pooled = PoolOptions(library=found.name, **options)
    if sync:
        sender = PoolHop(SyncPool(pooled), found)
        return _SyncGatedTransport(sender, GatedSyncIO(sender, gate, found.http), gate)
    loops = LoopSender(lambda: AsyncPoolHop(AsyncPool(pooled), found), found)
    loops.shared = True
    return _AsyncGatedTransport(loops, GatedAsyncIO(loops, gate, found.http), gate)


class _SyncGatedTransport:
    def __init__(self, sender: PoolHop, io: GatedSyncIO, gate: DrainGate) -> None:
        self._sender = sender
        self._io = io
        self._gate = gate

    def handle_request(self, request: "httpx.Request") -> "httpx.Response":
        with self._gate.passing():
            return finish(self._io.exchange(CallRequest.of(request), stream=True)).response

    def close(self) -> None:
        self._sender.close()

    def __enter__(self) -> None:
        """Enter as the HTTP client does; there is nothing to open."""

    def __exit__(self, *exc: object) -> None:
        self.close()


class _AsyncGatedTransport:
    def __init__(self, sender: LoopSender, io: GatedAsyncIO, gate: DrainGate) -> None:
        self._sender = sender
        self._io = io
        self._gate = gate

    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        with self._gate.passing():
            return (await self._io.exchange(CallRequest.of(request), stream=True)).response

    async def aclose(self) -> None:
        await self._sender.aclose()

    async def __aenter__(self) -> None:
        """Enter as the HTTP client does; there is nothing to open."""

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
