"""The way of a client's connections to its server, as the examinations go it."""

import socket
from time import monotonic
from typing import Any

from .._http.options import PoolOptions
from .._params.secrets import shown_file
from .._pool.connection import Route
from .._pool.proxy import Proxies
from .._pool.sockets import bind, reachable
from .._pool.sync_connecting import tunnel
from .._pool.sync_network import SyncNetworkStream
from .bounds import CONNECTING, SHAKING_HANDS, TUNNELLING, Bound


class Way:
    """The way of a client's connections to its server.

    Args:
        client: The client, whose connections are those of the pool.
        bound: The time that is left.
    """

    def __init__(self, client: Any, bound: Bound) -> None:
        self.options: PoolOptions = client._connections
        self.library: Any = client._library
        self.bound = bound
        scheme, host, port = self.options.places[0]
        proxies = Proxies(self.options.proxy, trust_env=self.options.trust_env)
        origin = (scheme, host.encode("ascii"), port, None)
        self.route = Route(origin, proxies, self.options, self.library)
        self.addresses: list[Any] = []

    @property
    def server(self) -> str:
        """The server as messages name it, with its port."""
        host = f"[{self.route.host}]" if ":" in self.route.host else self.route.host
        return f"{host}:{self.route.port}"

    @property
    def end(self) -> str:
        """The end of a connection: the unix socket, the proxy or the server."""
        if self.route.uds is not None:
            return f"the unix socket {shown_file(self.route.uds)}"
        host, port = self.route.address
        return f"{'the proxy ' if self.route.proxy else ''}{f'[{host}]' if ':' in host else host}:{port}"

    def connect(self) -> SyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            OSError: None does.
        """
        failure: OSError | None = None
        end = monotonic() + self.bound.left(CONNECTING)
        for family, kind, protocol, _, address in reachable(self.addresses, self.route.local):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(max(0.001, end - monotonic()))
                bind(connection, self.route.local)
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            except BaseException:
                connection.close()
                raise
            else:
                return SyncNetworkStream(connection, self.library)
        raise failure or OSError("The name has no address.")

    def tunnelled(self) -> SyncNetworkStream:
        """Connect, and open the proxy's tunnel where there is one.

        Raises:
            OSError: There is no connection.
            TransportError: The library's; the proxy opens no tunnel.
        """
        stream = self.connect()
        proxy = self.route.proxy
        seconds = self.bound.left(TUNNELLING)
        stream.deadline = monotonic() + seconds
        try:
            if proxy is not None and proxy.scheme == "https":
                stream.start_tls(self.options.proxy_tls(), proxy.host, seconds, self.library)
            if proxy is not None and self.route.forwarding is None:
                tunnel(stream, self.route, self.library, seconds)
        except BaseException:
            stream.close()
            raise
        stream.deadline = monotonic() + self.bound.left(SHAKING_HANDS)
        return stream
