"""The way of a sync stream to a server: TCP, the tunnel of a proxy, TLS."""

import socket

from .._http.library import Library
from .._http.options import PoolOptions
from .connection import Route
from .sockets import connect_error, set_options, time_for
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
    stream = _connect(*route.address, timeout, library, deadline)
    try:
        proxy = route.proxy
        if proxy is not None and proxy.scheme == "https":
            stream.start_tls(options.proxy_tls(), proxy.host, timeout, library)
        if proxy is not None and route.forwarding is None:
            _tunnel(stream, route, library, timeout)
        if route.secure:
            stream.start_tls(options.tls(), route.name, timeout, library)
    except BaseException:
        stream.close()
        raise
    return stream


def _tunnel(stream: SyncNetworkStream, route: Route, library: Library, timeout: float | None) -> None:
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
    host: str, port: int, timeout: float | None, library: Library, deadline: float | None
) -> SyncNetworkStream:
    try:
        connection = _connected(host, port, timeout, deadline)
    except (OSError, UnicodeError) as error:
        raise connect_error(error, library) from error
    return SyncNetworkStream(connection, library, deadline)


def _connected(host: str, port: int, timeout: float | None, deadline: float | None) -> socket.socket:
    """Connect to the first of the host's addresses that answers."""
    failure: OSError | None = None
    time_for(timeout, deadline)
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = None
        try:
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(time_for(timeout, deadline))
            connection.connect(address)
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
