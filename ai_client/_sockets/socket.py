"""WebSockets of both clients behind one interface; whatever they raise is one of our errors."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Generator
from functools import cache, partial
from importlib import import_module
from typing import Any, Protocol

from .._pool.transport_ends import bury
from ..errors import OpenAIError, WebSocketConnectionClosedError
from .open_sessions import PARTING_SECONDS

NO_STATUS = 1006
MESSAGE_TOO_BIG = 1009
_GOING_AWAY = 1001


class Socket(Protocol):
    """An open WebSocket."""

    async def receive(self) -> bytes:
        """Wait for the next message.

        Raises:
            WebSocketConnectionClosedError: There is none any more.
        """
        ...

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or binary message.

        Raises:
            WebSocketConnectionClosedError: It could not be sent, and is among the error's `unsent_frames`.
        """
        ...

    async def close(self, code: int, reason: str, /) -> None:
        """Close the connection and wait until it is."""
        ...

    def part(self) -> Callable[[], bool]:
        """Begin to close the connection, from any thread; return a function that tells whether it is closed."""
        ...

    def drop(self) -> None:
        """Break the connection off, from any thread."""
        ...


def websockets(sync: bool) -> tuple[Any, Any]:
    """Import the client's module of the websockets package and its exceptions.

    Raises:
        ImportError: The extra `realtime` is not installed.
    """
    try:
        client: Any = import_module(f"websockets.{'sync' if sync else 'asyncio'}.client")
        return client, import_module("websockets.exceptions")
    except ImportError as error:
        raise ImportError(
            'WebSockets need the websockets package: pip install "ai-client[realtime]"'
        ) from error


class _MappedSocket:
    def __init__(self, connection: Any, errors: Any) -> None:
        self._connection = connection
        self._errors = errors

    @contextlib.contextmanager
    def _mapped(self, *unsent: str | bytes) -> Generator[None]:
        errors = self._errors
        try:
            yield
        except errors.ConnectionClosed as error:
            raise closed_error(error, list(unsent)) from error
        except (errors.WebSocketException, OSError) as error:
            raise OpenAIError(f"The WebSocket failed ({type(error).__name__}): {error}") from error


class SyncSocket(_MappedSocket):
    """A WebSocket that blocks the thread."""

    async def receive(self) -> bytes:
        """Wait for the next message."""
        with self._mapped():
            return _as_bytes(self._connection.recv())

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or binary message."""
        with self._mapped(message):
            self._connection.send(message)

    async def close(self, code: int, reason: str, /) -> None:
        """Close the connection and wait until it is."""
        with self._mapped():
            self._connection.close(code=code, reason=reason)

    def part(self) -> Callable[[], bool]:
        """Begin to close the connection, in a thread, as a sender that is stuck holds the connection's lock."""
        thread = threading.Thread(target=self._part, name="ai-client-websocket", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter ends, and starts no more threads
            self.drop()
            return lambda: True
        return lambda: not thread.is_alive()

    def _part(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close(code=_GOING_AWAY)

    def drop(self) -> None:
        """Break the connection off."""
        _shut(self._connection.socket)


class AsyncSocket(_MappedSocket):
    """A WebSocket that suspends the task; belongs to the loop that it was opened in."""

    def __init__(self, connection: Any, errors: Any) -> None:
        super().__init__(connection, errors)
        self.loop = asyncio.get_running_loop()
        self._parting: asyncio.Task[None] | None = None

    async def receive(self) -> bytes:
        """Wait for the next message."""
        with self._mapped():
            return _as_bytes(await self._connection.recv())

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or binary message."""
        with self._mapped(message):
            await self._connection.send(message)

    async def close(self, code: int, reason: str, /) -> None:
        """Close the connection and wait until it is; where it belongs to another loop, until that has begun to."""
        if asyncio.get_running_loop() is not self.loop:
            self.part()
            return
        with self._mapped():
            await self._connection.close(code=code, reason=reason)

    def part(self) -> Callable[[], bool]:
        """Begin to close the connection on its loop; if the loop is closed, shut the socket down."""
        if not self.loop.is_running():
            self.drop()
            return lambda: True
        ended = threading.Event()
        try:
            self.loop.call_soon_threadsafe(self._begin_to_part, ended)
        except RuntimeError:  # the loop was closed meanwhile
            self.drop()
            ended.set()
        return ended.is_set

    def _begin_to_part(self, ended: threading.Event) -> None:
        self._parting = self.loop.create_task(self._part())
        self._parting.add_done_callback(lambda _: ended.set())

    async def _part(self) -> None:
        connection = self._connection
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PARTING_SECONDS):
                await connection.close(code=_GOING_AWAY)
        connection.transport.abort()

    def drop(self) -> None:
        """Break the connection off."""
        transport = self._connection.transport
        if self.loop.is_closed():
            bury(self.loop, transport)
        else:
            _shut(transport.get_extra_info("socket"))


def _shut(connection: Any) -> None:
    """Shut a socket down while it may be in use."""
    # Past ssl.SSLSocket.shutdown, which takes the TLS state from under the reading thread.
    shutdown: Any = (
        partial(socket.socket.shutdown, connection)
        if isinstance(connection, socket.socket)
        else getattr(connection, "shutdown", None)
    )
    with contextlib.suppress(OSError):
        if shutdown is not None and connection.fileno() >= 0:
            shutdown(socket.SHUT_RDWR)


def closed_error(error: Any, unsent: list[str | bytes], said: str = "") -> WebSocketConnectionClosedError:
    """Make ours of the error that the websockets package raises where a connection is closed."""
    message = said or f"The WebSocket is closed: {error}"
    if _too_big(error):
        message = "The WebSocket is closed: a message is larger than max_event_bytes of the client."
    made: WebSocketConnectionClosedError = _closed_kind(_kind_of(error))(message, error, unsent)
    return made


def _too_big(error: Any) -> bool:
    """Return whether this side closed the connection because of the size of a message."""
    return error.sent is not None and int(error.sent.code) == MESSAGE_TOO_BIG


def _kind_of(error: Any) -> Any:
    """Return the package's own class of an error, which may be one of ours already."""
    kinds: tuple[Any, ...] = type(error).__mro__
    return next((kind for kind in kinds if kind.__module__.startswith("websockets.")), kinds[0])


class _ClosedError(WebSocketConnectionClosedError):
    """Base shared by our error and the websockets package's; see `_closed_kind`."""

    def __init__(self, message: str, closed: Any, unsent: list[str | bytes]) -> None:
        Exception.__init__(self, message)
        received = closed.rcvd
        self.rcvd, self.sent, self.rcvd_then_sent = received, closed.sent, closed.rcvd_then_sent
        self.close_code = NO_STATUS if received is None else int(received.code)
        if _too_big(closed):
            self.close_code = MESSAGE_TOO_BIG  # ours: another connection would bring the same message
        self.unsent_frames = unsent

    __str__ = Exception.__str__


@cache
def _closed_kind(kind: Any) -> Any:
    """Make the error that is ours and the package's, for who catches either."""
    return type("WebSocketConnectionClosedError", (_ClosedError, kind), {})


def in_order(error: WebSocketConnectionClosedError) -> bool:
    """Return whether a connection was closed as both sides meant it to be."""
    return any(kind.__name__ == "ConnectionClosedOK" for kind in type(error).__mro__)


def _as_bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
