"""A conversation over a WebSocket: typed events both ways, handlers, and reconnecting; one source for both clients."""

import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar, cast

from .._client.decoders import build_aside
from .._client.modes import Async, M, Sync
from .._client.operation import Resource, operation
from .._io import finish
from .._models.decode import decode, is_slow_to_build
from .._params.encoding import encode
from ..errors import (
    APIConnectionError,
    APIStatusError,
    OpenAIError,
    WebSocketConnectionClosedError,
    WebSocketRedirectError,
    members_of,
)
from .opening import MAX_QUEUE_SIZE, Opening, ReconnectingEvent
from .outbox import Handlers, Listening, Outbox
from .sessions import Session
from .socket import closed_error, in_order

T = TypeVar("T")
Handler = Callable[[Any], Any]
# RFC 6455, section 7.4.1: going away, no status, dropped, server error, restart, later, TLS failure.
RECOVERABLE = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1015})

_STEADY_SECONDS = 1.0
"""After how long a connection has at least proved itself, so that attempts are counted anew."""


class Channel(Listening, Resource[M], Generic[M, T]):
    """An open connection; iterate over it for its events of type *T*."""

    event_type: Any
    """The type of the server's events."""
    max_queue_size: ClassVar[int] = MAX_QUEUE_SIZE
    """The most bytes of events that wait for the connection, where its user sets no other bound."""

    def __init__(self, opening: Opening, session: Session, outbox: Outbox, handlers: Handlers) -> None:
        super().__init__(opening.client)
        self._opening = opening
        self._session = session
        self._outbox = outbox
        self._handlers = handlers
        self._lock = threading.Lock()
        self._attempts = 0
        self._opened = time.monotonic()
        self._reopening = False
        self._call_record = session.call.record

    @operation
    async def recv(self) -> T:
        """Wait for the next event.

        Raises:
            WebSocketConnectionClosedError: The connection is closed; iterating reconnects instead.
            ClientClosedError: The client was closed.
        """
        return await self._recv()

    @operation
    async def recv_bytes(self) -> bytes:
        """Wait for the next event, undecoded; `parse_event` decodes it."""
        return await self._receive()

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
        """Decode an event.

        Raises:
            OpenAIError: It is none.
        """
        given = data.encode() if isinstance(data, str) else data
        try:
            if given.lstrip().startswith(b"{"):
                return cast("T", decode(self.event_type, given))
        except ValueError as error:
            raise OpenAIError("The server sent an event that is not JSON.") from error
        raise OpenAIError("The server sent an event that is no JSON object.")

    async def _send_event(self, event: Any) -> None:
        message = encode(event).decode()
        members = members_of(event)
        self._session.note(str(members.get("type")), members)
        await self._send(message)

    async def _recv(self) -> T:
        io = self._client.io
        if not io.sync and is_slow_to_build(self.event_type):
            await build_aside(io, self.event_type)
        event = self.parse_event(await self._receive())
        kind = getattr(event, "type", "error")
        self._session.note(str(kind))
        return event

    async def _receive(self) -> bytes:
        session, watch = self._session, self._opening.client._blocking_calls
        if watch is not None:
            watch.check()
        while True:
            try:
                data = await session.socket.receive()
            except WebSocketConnectionClosedError as error:
                session.explain(error)
                raise
            if session.seen(data):
                return data

    async def _next(self) -> T | None:
        """Return the next event, over a new connection where the old one broke; `None` at the end."""
        session = self._session
        while True:
            try:
                return await self._recv()
            except WebSocketConnectionClosedError as error:
                if session.over or not await self._reopen(error.close_code):
                    await self._ended(error)
                    return None

    async def _ended(self, error: WebSocketConnectionClosedError) -> None:
        session = self._session
        session.explain(error)
        ordered = session.over or in_order(error)
        await session.settle(None if ordered else error, complete=ordered)
        if self._outbox:
            raise closed_error(
                error.__cause__,
                self._outbox.drain(),
                "The WebSocket closed with messages unsent; they are in this error's `unsent_messages`.",
            ) from error
        if not ordered:
            raise error

    async def _send(self, message: str | bytes) -> None:
        session = self._session
        message = session.rules.applied(message)
        with self._lock:
            if self._reopening and not session.over:
                self._outbox.put(message)
                return
        try:
            await session.socket.send(message)
        except WebSocketConnectionClosedError as error:
            session.explain(error)
            raise

    async def _flush(self) -> None:
        """Send what waits, in order; only then may later messages go their own way."""
        while True:
            with self._lock:
                if not self._outbox:
                    self._reopening = False
                    return
                message = self._outbox.first()
            await self._session.socket.send(self._session.rules.applied(message))
            with self._lock:
                self._outbox.drop()

    async def _close(self, code: int, reason: str, error: BaseException | None = None) -> None:
        session = self._session
        socket = session.shut()
        try:
            await socket.close(code, reason)
        except WebSocketConnectionClosedError:
            pass
        except BaseException:
            socket.drop()
            raise
        finally:
            await session.settle(error, complete=error is None)

    async def _reopen(self, code: int) -> bool:
        opening, session = self._opening, self._session
        if opening.on_reconnecting is None or session.over or code not in RECOVERABLE:
            return False
        with self._lock:
            self._reopening = True
        if time.monotonic() - self._opened >= max(opening.max_delay, _STEADY_SECONDS):
            self._attempts = 0  # not for an event alone: a server may greet everybody before it fails
        try:
            while self._attempts < opening.max_retries and not session.over:
                self._attempts += 1
                if not await self._prepare_attempt(code) or session.over:
                    return False
                try:
                    if not session.adopt(await opening.reopen(session)):
                        return False
                    self._opened = time.monotonic()
                    await self._flush()
                except WebSocketRedirectError:
                    raise
                except (APIConnectionError, APIStatusError, WebSocketConnectionClosedError):
                    continue
                return True
            return False
        finally:
            with self._lock:
                self._reopening = False

    async def _prepare_attempt(self, code: int) -> bool:
        """Call `on_reconnecting`, apply its changes and wait; return `False` if it stops the attempts."""
        opening = self._opening
        ceiling = min(opening.initial_delay * 2.0 ** (self._attempts - 1), opening.max_delay)
        pause = ceiling * random.uniform(0.75, 1)  # noqa: S311 - spreads load, guards nothing
        event = ReconnectingEvent(
            self._attempts,
            opening.max_retries,
            pause,
            code,
            opening.extra_query or {},
            opening.extra_headers or {},
        )
        changes = opening.on_reconnecting(event) if opening.on_reconnecting else None
        if changes:
            if changes.get("abort"):
                return False
            opening.extra_query = changes.get("extra_query", opening.extra_query)
            opening.extra_headers = changes.get("extra_headers", opening.extra_headers)
        await self._session.pause(pause)
        return True

    def __del__(self) -> None:
        session: Session | None = self.__dict__.get("_session")
        if session is not None:
            session.forget()

    def __iter__(self: "Channel[Sync, T]") -> Iterator[T]:
        if not self._client.io.sync:
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
