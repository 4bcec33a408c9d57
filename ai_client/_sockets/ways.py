"""The way of a WebSocket to its server: the TLS, proxy, local address and unix socket of its client."""

import socket
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from .._client.arguments import pool_of
from .._libraries import httpx
from .._pool.connection import Route
from .._pool.proxy import Proxies
from .._pool.sockets import READ_SIZE, connect_error, time_for

if TYPE_CHECKING:
    from .client import SessionClient

_OWN_WAY = frozenset(
    {
        "address",
        "family",
        "host",
        "local_addr",
        "path",
        "port",
        "proxy",
        "proxy_ssl",
        "sock",
        "source_address",
    }
)
"""Keywords of the websockets package that say how to connect."""
_SECONDS = 10.0


async def on_the_way(
    client: "SessionClient", url: "httpx.URL", settings: Mapping[str, Any], deadline: float | None
) -> dict[str, Any]:
    """Return the keywords of the websockets package that lead a WebSocket the way of the client's requests.

    What connects comes connected: to the unix socket, through a proxy that speaks HTTP or SOCKS, from the client's
    local address.

    Args:
        client: Whose options count.
        url: Where the WebSocket is.
        settings: The keywords so far, which come first.
        deadline: When it must be open, in seconds of `time.monotonic`; `None` is never.

    Raises:
        TransportError: Of the HTTP library; there is no connection.
        TimeoutError: There was none in time.
        ConfigError: Certificates, or what the environment says of proxies, cannot be used.
    """
    options, library = client._connections, client._library
    secure = url.scheme == "wss"
    given = settings.get("open_timeout", _SECONDS)
    proxies = pool_of(Proxies, options.proxy, trust_env=options.trust_env)
    origin = ("https" if secure else "http", url.raw_host, url.port, None)
    route = Route(origin, proxies, options, library)
    found = dict(settings)
    if secure:
        found.setdefault("ssl", pool_of(options.tls, route.place))
    if settings.keys() & _OWN_WAY:
        return found
    if route.proxy is not None and route.proxy.scheme == "https":
        found.update(proxy=route.proxy.address, proxy_ssl=pool_of(options.proxy_tls))
        if route.local is not None:
            found["source_address" if client.io.sync else "local_addr"] = (route.local, 0)
        return found
    began = monotonic()
    try:
        limit = time_for(given, deadline)
        connection = await (_connected if client.io.sync else _aconnected)(route, limit, library)
    except (OSError, UnicodeError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise connect_error(error, library, route.uds) from error
    found.update(sock=connection, proxy=None)
    if route.uds is not None:
        found["unix"] = True  # older versions of the package set options of TCP otherwise
    if given is not None:
        found["open_timeout"] = max(given - (monotonic() - began), 0.001)
    return found


async def _connected(route: Route, limit: float | None, library: Any) -> socket.socket:
    """Connect, and open the tunnel of a proxy, without an event loop."""
    from .._pool.sync_connecting import connected  # noqa: PLC0415 - the other client has no use for it

    end = None if limit is None else monotonic() + limit
    connection = connected(route, limit, end)
    try:
        preamble = None if route.proxy is None else route.tunnel(library)
        data = b"" if preamble is None else next(preamble)
        while preamble is not None:
            connection.settimeout(time_for(None, end))
            connection.sendall(data)
            try:
                data = preamble.send(connection.recv(READ_SIZE))
            except StopIteration:
                break
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


async def _aconnected(route: Route, limit: float | None, library: Any) -> socket.socket:
    """Connect in the running event loop."""
    import asyncio  # noqa: PLC0415 - the sync client has no use for it

    from .._pool.async_connecting import connected  # noqa: PLC0415 - likewise

    loop = asyncio.get_running_loop()
    async with asyncio.timeout(limit):
        connection = await connected(loop, route)
        try:
            preamble = None if route.proxy is None else route.tunnel(library)
            data = b"" if preamble is None else next(preamble)
            while preamble is not None:
                await loop.sock_sendall(connection, data)
                try:
                    data = preamble.send(await loop.sock_recv(connection, READ_SIZE))
                except StopIteration:
                    break
        except BaseException:
            connection.close()
            raise
    return connection


def begun(connect: Callable[..., Any], where: str, keywords: dict[str, Any]) -> Any:
    """Begin to open a WebSocket; where that fails at once its connection is closed."""
    try:
        return connect(where, **keywords)
    except BaseException:
        if (connection := keywords.get("sock")) is not None:
            connection.close()
        raise


def said_of(error: Exception) -> str:
    """Return what there is to say of a failure to connect."""
    return str(error) if type(error).__name__ == "ProxyError" else getattr(error, "said", "")
