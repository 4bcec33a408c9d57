"""Stream an AI call as server-sent events."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from starlette.background import BackgroundTask
from starlette.middleware import gzip
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ai_client.adapter import EVENT_HEADERS, EVENT_STREAM, async_events

from ._disconnect import ReaderLeftError, while_connected

_Base = StreamingResponse
if not TYPE_CHECKING:
    with suppress(ImportError):  # older versions of FastAPI do not have it
        from fastapi.sse import EventSourceResponse as _Base

T = TypeVar("T")
Items: TypeAlias = AsyncIterable[T] | Iterable[T]

_UNCOMPRESSED = {} if hasattr(gzip, "DEFAULT_EXCLUDED_CONTENT_TYPES") else {"Content-Encoding": "identity"}
"""For versions of Starlette whose GZip middleware collects the events of a stream; later ones leave streams alone."""
_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


def stream_response(
    stream: Items[T] | Awaitable[Items[T]],
    *,
    transform: Callable[[T], Any] | None = None,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    background: BackgroundTask | None = None,
) -> StreamingResponse:
    """Return a response that sends the items of a stream as server-sent events, and `[DONE]` after the last.

        return stream_response(client.chat.completions.create(..., stream=True))

    When the reader disconnects, the stream is closed at once: while it is being opened, before its first item,
    and between two items. Streams of the sync client are accepted too. A HEAD request is answered without the call.

    Args:
        stream: The stream. An awaitable is awaited by the response: if the reader disconnects before it is
            done, it is cancelled, and an error that it raises reaches the application's error handlers. A later
            error is sent as an event of type `error`.
        transform: Maps each item to what is sent: a result, text or other data; `None` sends nothing.
        status_code: The status of the response.
        headers: Further headers.
        background: Run after the response, even if the reader disconnected in the middle of it.
    """
    return _EventResponse(stream, transform, status_code, headers, background)


class _EventResponse(_Base):
    """A response that owns a stream."""

    def __init__(
        self,
        stream: Items[Any] | Awaitable[Items[Any]],
        transform: Callable[[Any], Any] | None,
        status_code: int,
        headers: Mapping[str, str] | None,
        background: BackgroundTask | None,
    ) -> None:
        super().__init__(
            (), status_code, {**EVENT_HEADERS, **_UNCOMPRESSED, **(headers or {})}, EVENT_STREAM, background
        )
        self._stream = stream
        self._transform = transform
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope.get("method") == "HEAD":
                await self._describe(send)
            else:
                await while_connected(receive, self._run(send))
        except ReaderLeftError:
            if not self._started:
                raise
        if self.background is not None:
            await self.background()

    async def _describe(self, send: Send) -> None:
        """Send the head alone, and make no call."""
        await self._drop()
        self._started = True
        await _deliver(send, self._head())
        await _deliver(send, _END)

    async def _drop(self) -> None:
        given: Any = self._stream
        if isinstance(given, asyncio.Future):
            call = cast("asyncio.Future[Any]", given)
            if call.cancel():
                return
            given = call.result()
        if not hasattr(given, "__await__"):
            await async_events(given, self._transform).aclose()
        elif (close := getattr(given, "close", None)) is not None:
            close()

    def _head(self) -> Message:
        return {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}

    async def _run(self, send: Send) -> None:
        given = self._stream
        stream = await given if isinstance(given, Awaitable) else given
        events = async_events(stream, self._transform)
        try:
            self._started = True
            await _deliver(send, self._head())
            try:
                async for event in events:
                    await _deliver(send, {"type": "http.response.body", "body": event, "more_body": True})
            except Exception:  # an error of the application, which has been sent as an event
                await _deliver(send, _END)
                raise
            await _deliver(send, _END)
        finally:
            await events.aclose()


async def _deliver(send: Send, message: Message) -> None:
    try:
        await send(message)
    except OSError as error:  # ASGI 2.4: a server may raise it once the reader has disconnected
        raise ReaderLeftError from error
