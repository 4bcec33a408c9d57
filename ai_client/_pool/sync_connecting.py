"""The way of a sync stream to a server: TCP or a unix socket, the tunnel of a proxy, TLS."""

import socket
from time import monotonic, sleep
from typing import Any

from .._http.library import Library
from .._http.options import PoolOptions
from .connection import Route
from .sockets import bind, connect_error, near, pauses, reachable, set_options, time_for
from .sync_network import SyncNetworkStream


def open_stream(
    route: Route,
    options: PoolOptions,
    library: Library,
    timeout: float | None,
    deadline: float | None,
) -> SyncNetworkStream:
    """Open a stream to the end of a route.

    Args:
        route: Where to, and which way.
        options: The TLS of a proxy and of servers.
        library: Whose errors are raised.
        timeout: Seconds for each step, as for each of a host's addresses.
        deadline: When the exchange must be over, in seconds of `time.monotonic`.

    Raises:
        TransportError: Of the library; there is no stream then.
    """
    stream = _connect(route, timeout, library, deadline)
    try:
        proxy = route.proxy
        if proxy is not None and proxy.scheme == "https":
            stream.start_tls(options.proxy_tls(), proxy.host, timeout, library)
        if proxy is not None and route.forwarding is None:
            tunnel(stream, route, library, timeout)
        if route.secure:
            stream.start_tls(options.tls(route.place), route.name, timeout, library)
    except BaseException:
        stream.close()
        raise
    return stream


def tunnel(stream: SyncNetworkStream, route: Route, library: Library, timeout: float | None) -> None:
    """Connect a stream to the route's origin through its proxy."""
    preamble = route.tunnel(library)
    data = next(preamble)
    while True:
        if data:
            stream.write(data, timeout)
        try:
            data = preamble.send(stream.read(timeout))
        except StopIteration:
            return


def _connect(
    route: Route, timeout: float | None, library: Library, deadline: float | None
) -> SyncNetworkStream:
    try:
        connection = connected(route, timeout, deadline)
    except (OSError, UnicodeError) as error:
        raise connect_error(error, library, route.uds) from error
    return SyncNetworkStream(connection, library, deadline)


def connected(route: Route, timeout: float | None, deadline: float | None) -> socket.socket:
    """Connect to the unix socket of a route, or to the first of its host's addresses that answers.

    Raises:
        OSError: None does, or this machine does not have the local address.
    """
    failure: OSError | None = None
    time_for(timeout, deadline)
    found = near(route.uds) or socket.getaddrinfo(*route.address, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in reachable(found, route.local):
        connection = None
        try:
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(time_for(timeout, deadline))
            bind(connection, route.local)
            if route.uds is None:
                connection.connect(address)
            else:
                _connect_near(connection, address, timeout, deadline)
            set_options(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return connection
    raise failure or OSError("The name has no address.")


def _connect_near(
    connection: socket.socket, address: Any, timeout: float | None, deadline: float | None
) -> None:
    """Connect to a unix socket; where its queue is full, as soon as there is a place."""
    end = None if timeout is None else monotonic() + timeout
    for pause in pauses():
        try:
            connection.connect(address)
        except BlockingIOError:
            left = time_for(time_for(None, end), deadline)
            sleep(pause if left is None else min(pause, left))
        else:
            return
