"""Clients of other SDKs over the connections of this package, so that loops, forks and the drain hold for them too.

The SDKs of OpenAI's family take an HTTP client, and make one with `DefaultHttpxClient` or `DefaultAsyncHttpxClient`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from .._exchange.loop_sender import LoopSender
from .._exchange.pool_senders import AsyncPoolHop, PoolHop
from .._http.library import library
from .._http.options import PoolOptions
from .._io import finish
from .._pool.async_pool import AsyncPool
from .._pool.sync_pool import SyncPool
from .gate import DrainGate
from .gated_io import GatedAsyncIO, GatedSyncIO

if TYPE_CHECKING:
    import httpx

OF_THE_POOL = frozenset({"max_connections", "keepalive_expiry", "trust"})


def http_client_for(make: Callable[..., Any], options: dict[str, Any], gate: DrainGate, *, sync: bool) -> Any:
    """Make the HTTP client for an SDK's class; `None` where that is not of the family.

    Args:
        make: The class.
        options: Of the pool.
        gate: What requests go through.
        sync: Which kind of client it is.
    """
    package = getattr(make, "__module__", "").partition(".")[0]
    name = "DefaultHttpxClient" if sync else "DefaultAsyncHttpxClient"
    default: Any = getattr(import_module(package), name, None) if package else None
    if not isinstance(default, type):
        return None
    homes = {base.__module__.partition(".")[0] for base in default.__mro__}
    known = homes & {"httpx", "httpx2"}
    if not known:
        return None
    return default(transport=_transport(known.pop(), options, gate, sync=sync))


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
            return finish(self._io.exchange(request, stream=True))

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
            return await self._io.exchange(request, stream=True)

    async def aclose(self) -> None:
        await self._sender.aclose()

    async def __aenter__(self) -> None:
        """Enter as the HTTP client does; there is nothing to open."""

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
