"""Every client of the process on the HTTP library's own transport, for tools that patch it."""

import threading
from collections.abc import Generator
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
from ai_client._http.options import Place
from ai_client._libraries import httpx
from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.connection import Route
from ai_client._pool.sync_pool import SyncPool


class _Stand:
    """The HTTP library's client in place of each pool, for each server."""

    def __init__(self) -> None:
        self._clients: WeakKeyDictionary[Any, dict[Place, Any]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, pool: SyncPool | AsyncPool, url: httpx.URL) -> Any:
        """Return the client that goes the way of a pool to a server; it keeps no connection."""
        route = pool._route((url.scheme, url.raw_host, url.port, None))
        with self._lock:
            clients = self._clients.setdefault(pool, {})
            if route.place not in clients:
                clients[route.place] = _client(pool, route)
            return clients[route.place]


def _client(pool: SyncPool | AsyncPool, route: Route) -> Any:
    options, http, proxy = pool._options, pool._library.http, route.proxy
    sync = isinstance(pool, SyncPool)
    transport = (http.HTTPTransport if sync else http.AsyncHTTPTransport)(
        verify=options.tls(route.place),
        uds=route.uds,
        local_address=route.local,
        proxy=None
        if proxy is None
        else http.Proxy(
            proxy.address,
            headers=[*proxy.further],
            ssl_context=options.proxy_tls() if proxy.scheme == "https" else None,
        ),
        limits=http.Limits(max_connections=options.max_connections, max_keepalive_connections=0),
    )
    return (http.Client if sync else http.AsyncClient)(transport=transport, trust_env=False)


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
        return stand.of(pool, request.url).send(request, stream=True, auth=None, follow_redirects=False)

    async def handle_async_request(pool: AsyncPool, request: Any) -> Any:
        return await stand.of(pool, request.url).send(request, stream=True, auth=None, follow_redirects=False)

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
