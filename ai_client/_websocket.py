"""WebSockets of both clients behind one interface, opened with the client's address and credentials."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from ._request import Omit, merge, query_string
from .control.call import Call

if TYPE_CHECKING:
    from .client import BaseClient

_SCHEMES = {"http": "ws", "https": "wss"}


class Socket(Protocol):
    """An open WebSocket."""

    closed: type[Exception]
    """What it raises when the other side has closed."""
    failures: tuple[type[Exception], ...]
    """What it raises when it cannot be opened or breaks."""

    async def receive(self) -> bytes:
        """Wait for the next message."""
        ...

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or binary message."""
        ...

    async def close(self, code: int, reason: str, /) -> None:
        """Close the connection."""
        ...


class BlockingSocket:
    """A WebSocket that blocks the thread."""

    def __init__(self, connection: Any, errors: Any) -> None:
        self._connection = connection
        self.closed: type[Exception] = errors.ConnectionClosed
        self.failures: tuple[type[Exception], ...] = (errors.WebSocketException, OSError)

    async def receive(self) -> bytes:
        """Wait for the next message."""
        return _as_bytes(self._connection.recv())

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or binary message."""
        self._connection.send(message)

    async def close(self, code: int, reason: str, /) -> None:
        """Close the connection."""
        self._connection.close(code=code, reason=reason)


class AsyncSocket:
    """A WebSocket that suspends the task."""

    def __init__(self, connection: Any, errors: Any) -> None:
        self._connection = connection
        self.closed: type[Exception] = errors.ConnectionClosed
        self.failures: tuple[type[Exception], ...] = (errors.WebSocketException, OSError)

    async def receive(self) -> bytes:
        """Wait for the next message."""
        return _as_bytes(await self._connection.recv())

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or binary message."""
        await self._connection.send(message)

    async def close(self, code: int, reason: str, /) -> None:
        """Close the connection."""
        await self._connection.close(code=code, reason=reason)


async def open_socket(
    client: "BaseClient[Any]",
    path: str,
    query: Mapping[str, object],
    headers: Mapping[str, "str | Omit"],
    options: Mapping[str, Any],
) -> Socket:
    """Open a WebSocket below the client's address.

    Raises:
        ImportError: The extra `realtime` is not installed.
        Exception: What the websockets package raises where the server refuses.
    """
    kind = "sync" if client.io.blocking else "asyncio"
    try:
        connect: Any = import_module(f"websockets.{kind}.client").connect
        errors = import_module("websockets.exceptions")
    except ImportError as error:
        raise ImportError(
            'WebSockets need the websockets package: pip install "ai-client[realtime]"'
        ) from error
    all_headers = await _headers(client, path, headers)
    settings = {"max_size": None, "compression": None, **options}
    opened = connect(
        address(client, path, query), additional_headers=all_headers, user_agent_header=None, **settings
    )
    if client.io.blocking:
        return BlockingSocket(opened.__enter__(), errors)  # the way in that all its versions share
    return AsyncSocket(await opened, errors)


def address(client: "BaseClient[Any]", path: str, query: Mapping[str, object]) -> str:
    """Give the WebSocket address of a path below the client's `websocket_base_url` or `base_url`."""
    base = client._library.http.URL(client.websocket_base_url or client.base_url)
    merged = merge(client.default_query, query) or {}
    url = base.copy_with(
        scheme=_SCHEMES.get(base.scheme, base.scheme), path=base.path.rstrip("/") + path, query=None
    )
    encoded = "&".join(filter(None, (base.query.decode("ascii"), query_string(merged))))
    return f"{url}?{encoded}" if encoded else str(url)


async def _headers(client: "BaseClient[Any]", path: str, extra: Mapping[str, "str | Omit"]) -> dict[str, str]:
    call = Call(client.io, "GET", path, None)
    header = await client._fetch_key(call) if client._fetches_key else client._authorization(call)
    merged: dict[str, tuple[str, str | Omit]] = {}
    for part in (dict([header]) if header else {}, client.default_headers, extra):
        for name, value in part.items():
            merged[name.lower()] = (name, value)
    return {name: value for name, value in merged.values() if isinstance(value, str)}


def _as_bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
