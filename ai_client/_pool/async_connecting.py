"""The way of an async stream to a server: its addresses, TCP or a unix socket, the tunnel of a proxy, TLS."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

from .._http.library import Library
from .._http.options import PoolOptions
from .async_network import AsyncNetworkStream
from .connection import Route
from .sockets import bind, connect_error, near, pauses, reachable, set_options
from .transport_ends import shut_down

_NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305 recommends it


async def open_stream(
    route: Route,
    options: PoolOptions,
    library: Library,
    timeout: float | None,
    buffer: memoryview,
) -> AsyncNetworkStream:
    """Open a stream to the end of a route.

    Args:
        route: Where to, and which way.
        options: The TLS of a proxy and of servers.
        library: Whose errors are raised.
        timeout: Seconds for all of it.
        buffer: What the running loop reads into.

    Raises:
        TransportError: Of the library; there is no stream then.
    """
    stream: AsyncNetworkStream | None = None
    try:
        async with asyncio.timeout(timeout):
            stream = await _connect(route, buffer, library)
            proxy = route.proxy
            if proxy is not None and proxy.scheme == "https":
                await stream.start_tls(options.proxy_tls(), proxy.host)
            if proxy is not None and route.forwarding is None:
                await tunnel(stream, route, library)
            if route.secure:
                await stream.start_tls(options.tls(route.place), route.name)
    except BaseException as error:
        if stream is not None:
            stream.close()
        if isinstance(error, TimeoutError):
            raise library.http.ConnectTimeout("Timed out connecting.") from error
        raise
    return stream


async def tunnel(stream: AsyncNetworkStream, route: Route, library: Library) -> None:
    """Connect a stream to the route's origin through its proxy."""
    preamble = route.tunnel(library)
    data = next(preamble)
    while True:
        if data:
            await stream.write(data, None)
        try:
            data = preamble.send(await stream.read(None))
        except StopIteration:
            return


async def _connect(route: Route, buffer: memoryview, library: Library) -> AsyncNetworkStream:
    loop = asyncio.get_running_loop()
    try:
        connection = await connected(loop, route)
    except (OSError, UnicodeError) as error:
        raise connect_error(error, library, route.uds) from error
    stream = AsyncNetworkStream(loop, connection, buffer, library)
    try:
        if route.uds is None:
            await loop.create_connection(lambda: stream, sock=connection)
        else:
            await loop.create_unix_connection(lambda: stream, sock=connection)
    except BaseException:
        shut_down(connection)
        raise
    return stream


async def connected(loop: asyncio.AbstractEventLoop, route: Route) -> socket.socket:
    """Connect to the unix socket of a route, or to the first of its host's addresses that answers.

    Raises:
        OSError: None does, or this machine does not have the local address.
    """
    found = near(route.uds) or await _resolve(loop, *route.address)
    return await _connect_to_any(loop, reachable(found, route.local), route.local)


async def _resolve(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Sequence[Any]:
    """Resolve the host's addresses, alternating families (RFC 8305); names are looked up in a thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = [entry for entry in found if entry[0] == found[0][0]]
    others = [entry for entry in found if entry[0] != found[0][0]]
    mixed: list[Any] = []
    while first or others:
        mixed += first[:1] + others[:1]
        first, others = first[1:], others[1:]
    return mixed


async def _connect_to_any(
    loop: asyncio.AbstractEventLoop, addresses: Sequence[Any], local: str | None
) -> socket.socket:
    """Try the addresses, the next one when the last failed or took too long; keep the first that connects."""
    if len(addresses) == 1:
        return await _connect_to(loop, addresses[0], local)
    attempts: set[asyncio.Task[socket.socket]] = set()
    failures: list[BaseException] = []
    left = list(addresses)
    try:
        while left or attempts:
            if left:
                attempts.add(loop.create_task(_connect_to(loop, left.pop(0), local)))
            done, attempts = await asyncio.wait(
                attempts,
                timeout=_NEXT_ADDRESS_SECONDS if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            connected = [attempt.result() for attempt in done if attempt.exception() is None]
            for spare in connected[1:]:
                spare.close()
            if connected:
                return connected[0]
            failures += [error for attempt in done if (error := attempt.exception()) is not None]
        raise failures[0]
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close_late)


def _close_late(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


async def _connect_to(loop: asyncio.AbstractEventLoop, address: Any, local: str | None) -> socket.socket:
    family, kind, protocol, _, place = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        set_options(connection)
        bind(connection, local)
        if family == socket.AF_UNIX:
            await _connect_near(connection, place)
        else:
            await loop.sock_connect(connection, place)
    except BaseException:
        connection.close()
        raise
    return connection


async def _connect_near(connection: socket.socket, place: Any) -> None:
    """Connect to a unix socket; where its queue is full, as soon as there is a place.

    An event loop would take a full queue for a connection under way, and the socket for connected.
    """
    for pause in pauses():
        try:
            connection.connect(place)
        except BlockingIOError:
            await asyncio.sleep(pause)
        else:
            return
