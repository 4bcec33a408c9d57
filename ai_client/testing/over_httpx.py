"""Every client of the process on the HTTP library's own transport, for tools that patch it."""

import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from ai_client._exchange.pool_senders import (
    AsyncPoolSender,
    AsyncTransportSender,
    PoolSender,
    TransportSender,
)
from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.sync_pool import SyncPool


class _Stand:
    """The HTTP library's client in place of each pool."""

    def __init__(self) -> None:
        self._clients: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, pool: SyncPool | AsyncPool) -> Any:
        """Return the client for a pool, with its proxy and its trust; it keeps no connection."""
        with self._lock:
            if pool not in self._clients:
                options, http = pool._options, pool._library.http
                kind: Callable[..., Any] = http.Client if isinstance(pool, SyncPool) else http.AsyncClient
                self._clients[pool] = kind(
                    verify=options.tls(),
                    proxy=options.proxy or None,
                    trust_env=options.trust_env and options.environment_proxies and options.proxy is None,
                    limits=http.Limits(max_connections=options.max_connections, max_keepalive_connections=0),
                )
            return self._clients[pool]


@contextmanager
def over_httpx() -> Generator[None]:
    """Send what clients send inside the block through httpx's own client and transport, as respx and others expect.

    It holds for every client of the process, in every thread and task, whether it was made before the block or inside;
    clients with `http_backend="httpx2"` send through that library's. A client's own `http_client`, and WebSockets,
    stay as they are. Each request has a connection of its own, where it is really sent.

        with over_httpx(), respx.mock:
            respx.post("https://api.openai.com/v1/embeddings").respond(json={...})
            app_client.post("/ask", ...)
    """
    stand = _Stand()

    def handle_request(pool: SyncPool, request: Any) -> Any:
        return stand.of(pool).send(request, stream=True, auth=None, follow_redirects=False)

    async def handle_async_request(pool: AsyncPool, request: Any) -> Any:
        return await stand.of(pool).send(request, stream=True, auth=None, follow_redirects=False)

    with ExitStack() as stack:
        for owner, name, value in (
            (SyncPool, "handle_request", handle_request),
            (AsyncPool, "handle_async_request", handle_async_request),
            (PoolSender, "_hop", TransportSender._hop),
            (AsyncPoolSender, "_send", AsyncTransportSender._send),
            (AsyncPoolSender, "_answer", AsyncTransportSender._answer),
        ):
            stack.enter_context(patch.object(owner, name, value))
        yield
