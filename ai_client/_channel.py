"""A conversation over a WebSocket: typed events both ways, handlers, and reconnecting; one source for both clients."""

import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, cast

from ._io import finish
from ._models import decode
from ._operation import Async, M, Resource, Sync, operation
from ._outbox import Handlers, Listening, Outbox
from ._request import Omit, encode
from ._websocket import Socket, open_socket
from .errors import OpenAIError, WebSocketConnectionClosedError

if TYPE_CHECKING:
    from .client import BaseClient

T = TypeVar("T")
Handler = Callable[[Any], Any]
NO_STATUS = 1006
# RFC 6455, section 7.4.1: going away, no status, dropped, server error, restart, later, TLS failure.
RECOVERABLE = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1015})


@dataclass(frozen=True, slots=True)
class ReconnectingEvent:
    """One attempt to open a broken connection again.

    Attributes:
        attempt: Which attempt this is, from 1.
        max_attempts: How many there will be.
        delay: Seconds until it is made.
        close_code: The WebSocket close code that made it necessary.
        extra_query, extra_headers: What the connection was opened with.
    """

    attempt: int
    max_attempts: int
    delay: float
    close_code: int
    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, "str | Omit"] = field(repr=False)


class ReconnectingOverrides(TypedDict, total=False):
    """What an `on_reconnecting` function may change."""

    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, "str | Omit"]
    abort: bool


@dataclass(slots=True)
class Opening:
    """How to open a connection, and how to open it again."""

    client: "BaseClient[Any]"
    path: str
    query: Mapping[str, object]
    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, "str | Omit"]
    options: Mapping[str, Any]
    on_reconnecting: Callable[[ReconnectingEvent], ReconnectingOverrides | None] | None = None
    max_retries: int = 5
    initial_delay: float = 0.5
    max_delay: float = 8.0
    max_queue_size: int = 1_048_576

    async def open(self) -> Socket:
        """Open a connection."""
        query = {**self.query, **self.extra_query}
        return await open_socket(self.client, self.path, query, self.extra_headers, self.options)


class Channel(Listening, Resource[M], Generic[M, T]):
    """An open connection; iterate over it for its events of type *T*."""

    event_type: Any
    """The type of the server's events."""

    def __init__(self, opening: Opening, socket: Socket, outbox: Outbox, handlers: Handlers) -> None:
        super().__init__(opening.client)
        self._opening = opening
        self._socket = socket
        self._outbox = outbox
        self._handlers = handlers
        self._lock = threading.Lock()
        self._attempts = 0
        self._reopening = False
        self._closed = False

    @operation
    async def recv(self) -> T:
        """Wait for the next event.

        Raises:
            websockets.exceptions.ConnectionClosed: The connection is closed; iterating reconnects instead.
        """
        return await self._recv()

    @operation
    async def recv_bytes(self) -> bytes:
        """Wait for the next event, undecoded; `parse_event` decodes it."""
        return await self._socket.receive()

    @operation
    async def send(self, event: Any) -> None:
        """Send an event: a model or a dictionary."""
        await self._send_event(event)

    @operation
    async def send_raw(self, data: bytes | str) -> None:
        """Send a message as it is."""
        await self._send(data)

    @operation
    async def close(self, *, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        await self._close(code, reason)

    @operation
    async def dispatch_events(self) -> None:
        """Call the registered functions for each event until the connection is closed.

        Raises:
            OpenAIError: An event of type `error` came and no function is registered for it.
        """
        while (event := await self._next()) is not None:
            kind = str(getattr(event, "type", ""))
            handlers = self._handlers.take(kind) + self._handlers.take("event")
            if kind == "error" and not handlers:
                said = getattr(getattr(event, "error", None), "message", None)
                raise OpenAIError(f"The server sent an error: {said or 'without a message'}")
            for handler in handlers:
                await self._client.io.call(handler, event)

    def parse_event(self, data: str | bytes) -> T:
        """Decode an event."""
        return cast("T", decode(self.event_type, data.encode() if isinstance(data, str) else data))

    async def _send_event(self, event: Any) -> None:
        await self._send(encode(event).decode())

    async def _recv(self) -> T:
        event = self.parse_event(await self._socket.receive())
        if self._attempts and getattr(event, "type", "error") != "error":
            self._attempts = 0
        return event

    async def _next(self) -> T | None:
        """Give the next event, over a new connection where the old one broke; `None` at the end."""
        while True:
            try:
                return await self._recv()
            except self._socket.closed as error:
                code = _close_code(error)
                if await self._reopen(code):
                    continue
                if self._outbox:
                    raise WebSocketConnectionClosedError(
                        "The WebSocket closed with messages unsent; they are in this error's `unsent_messages`.",
                        unsent_messages=self._outbox.drain(),
                    ) from error
                if type(error).__name__ == "ConnectionClosedOK":
                    return None
                raise

    async def _send(self, message: str | bytes) -> None:
        with self._lock:
            if self._reopening and not self._closed:
                self._outbox.put(message)
                return
        await self._socket.send(message)

    async def _flush(self) -> None:
        """Send what waits, in order; only then may later messages go their own way."""
        while True:
            with self._lock:
                if not self._outbox:
                    self._reopening = False
                    return
                message = self._outbox.first()
            await self._socket.send(message)
            with self._lock:
                self._outbox.drop()

    async def _close(self, code: int, reason: str) -> None:
        self._closed = True
        await self._socket.close(code, reason)

    async def _reopen(self, code: int) -> bool:
        opening = self._opening
        if opening.on_reconnecting is None or self._closed or code not in RECOVERABLE:
            return False
        with self._lock:
            self._reopening = True
        try:
            while self._attempts < opening.max_retries and not self._closed:
                self._attempts += 1
                if not await self._prepare_attempt(code):
                    return False
                try:
                    self._socket = await opening.open()
                    await self._flush()
                except self._socket.failures:
                    continue
                return True
            return False
        finally:
            with self._lock:
                self._reopening = False

    async def _prepare_attempt(self, code: int) -> bool:
        """Tell the user's function of the attempt, take its changes and wait; `False` where it says to stop."""
        opening = self._opening
        ceiling = min(opening.initial_delay * 2.0 ** (self._attempts - 1), opening.max_delay)
        pause = ceiling * random.uniform(0.75, 1)  # noqa: S311 - spreads load, guards nothing
        event = ReconnectingEvent(
            self._attempts, opening.max_retries, pause, code, opening.extra_query, opening.extra_headers
        )
        changes = opening.on_reconnecting(event) if opening.on_reconnecting else None
        if changes:
            if changes.get("abort"):
                return False
            opening.extra_query = changes.get("extra_query", opening.extra_query)
            opening.extra_headers = changes.get("extra_headers", opening.extra_headers)
        await opening.client.io.sleep(pause)
        return True

    def __iter__(self: "Channel[Sync, T]") -> Iterator[T]:
        if not self._client.io.blocking:
            raise TypeError("A connection of AsyncOpenAI is iterated with `async for`.")
        return self

    def __next__(self: "Channel[Sync, T]") -> T:
        event = finish(self._next())
        if event is None:
            raise StopIteration
        return event

    def __aiter__(self: "Channel[Async, T]") -> AsyncIterator[T]:
        return self

    async def __anext__(self: "Channel[Async, T]") -> T:
        event = await self._next()
        if event is None:
            raise StopAsyncIteration
        return event


def _close_code(error: Exception) -> int:
    received = getattr(error, "rcvd", None)
    return int(received.code) if received is not None else NO_STATUS
