"""Redis servers by their address: a pool of connections each, whose waits are bounded by the current call."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from .._io.deadline import at_most

TIMEOUT = 1.0
"""Seconds to wait for a connection or a reply."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


class InTime:
    """A mixin for redis-py connections that bounds their timeouts by the deadline of the current call."""

    def _connect(self) -> Any:
        connection: Any = self
        connection.socket_connect_timeout = connection.socket_timeout = _seconds()
        return cast("Any", super())._connect()

    def send_packed_command(self, *args: Any, **options: Any) -> Any:
        """Send a command in time."""
        self._hurry()
        return cast("Any", super()).send_packed_command(*args, **options)

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply in time."""
        self._hurry()
        return cast("Any", super()).read_response(*args, **options)

    def _hurry(self) -> None:
        open_socket = getattr(self, "_sock", None)
        seconds = _seconds()
        if open_socket is not None and open_socket.gettimeout() != seconds:
            open_socket.settimeout(seconds)


def _seconds() -> float:
    return max(at_most(TIMEOUT), 0.001)  # 0 would make the socket non-blocking


class Nodes:
    """The servers that one process is connected to.

    Args:
        options: Arguments of redis-py's connections, but for the address of the server.

    Raises:
        TypeError: An option is unknown.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        from redis import exceptions  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415 - an extra, imported only where it is used
        from redis.connection import Connection  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        kind: Any = options.get("connection_class", Connection)
        self._options: dict[str, Any] = {
            **options,
            "connection_class": type(kind.__name__, (InTime, kind), {}),
            "decode_responses": False,  # cached values are no text
            "retry": Retry(NoBackoff(), 1),  # a connection that died while idle is replaced
            "retry_on_error": [exceptions.ConnectionError, exceptions.TimeoutError],
        }
        self._lock = threading.Lock()
        self._clients: dict[Address | None, Any] = {}

    def validate(self) -> None:
        """Raise for unknown options; nothing is connected."""
        pool = self.at(None).connection_pool
        pool.connection_class(**pool.connection_kwargs)

    def at(self, address: Address | None) -> Any:
        """Return the client of a server; `None` where the options name the server."""
        found = self._clients.get(address)
        if found is None:
            with self._lock:
                found = self._clients.get(address) or self._connected(address)
                self._clients[address] = found
        return found

    def close(self) -> None:
        """Close the connections that no other thread is using; later use opens new ones."""
        for client in list(self._clients.values()):
            client.connection_pool.disconnect(inuse_connections=False)

    def _connected(self, address: Address | None) -> Any:
        import redis  # noqa: PLC0415 - an extra

        options: dict[str, Any] = self._options if address is None else {**self._options, **address._asdict()}
        take: Callable[..., Any] = redis.ConnectionPool
        pool: Any = take(**options)
        return redis.Redis(connection_pool=pool)
