"""A stream of an AI call as a stream of server-sent events."""

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ai_client import OpenAIError
from ai_client.web import DONE, EVENT_HEADERS, EVENT_STREAM, encode_event

from ._disconnect import ReaderLeftError, while_connected

_Base = StreamingResponse
if not TYPE_CHECKING:
    with suppress(ImportError):  # older versions of FastAPI have no class for events
        from fastapi.sse import EventSourceResponse as _Base

T = TypeVar("T")
Items: TypeAlias = AsyncIterable[T] | Iterable[T]

_END: Any = object()


def stream_response(
    stream: Items[T] | Awaitable[Items[T]],
    *,
    transform: Callable[[T], Any] | None = None,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    background: BackgroundTask | None = None,
) -> Response:
    """Make a response that sends the items of a stream as server-sent events, and `[DONE]` after the last.

        return stream_response(client.chat.completions.create(..., stream=True))

    When the reader leaves, the stream is closed at once: while it is being opened, before its first item and
    between two. One that blocks its thread is closed after the item that it is waiting for.

    Args:
        stream: What is streamed. Given as an awaitable, it is opened by the response: a reader who leaves before it
            is open stops that too, and an error that keeps it from opening reaches the application's error handlers.
            A later error is sent as an event of type `error`.
        transform: Makes of each item what is sent: a result, text or other data; `None` sends nothing.
        status_code: The status of the response.
        headers: Further headers.
        background: Run after the response, also when its reader left in the middle of it.
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
        super().__init__((), status_code, {**EVENT_HEADERS, **(headers or {})}, EVENT_STREAM, background)
        self._stream = stream
        self._transform = transform
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        try:
            await while_connected(receive, self._run(send))
        except ReaderLeftError:
            if not self._started:
                raise
        if self.background is not None:
            await self.background()

    async def _run(self, send: Send) -> None:
        given = self._stream
        stream = await given if isinstance(given, Awaitable) else given
        items = aiter(stream) if isinstance(stream, AsyncIterable) else _Threaded(stream)
        try:
            self._started = True
            await _deliver(
                send, {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            error = await self._send_items(items, send)
            await _deliver(send, {"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await _close(items)
            if stream is not items:
                await _close(stream)
        if error is not None and not isinstance(error, OpenAIError):
            raise error  # a fault of the application, for the server's log

    async def _send_items(self, items: AsyncIterator[Any], send: Send) -> Exception | None:
        """Send all items and how they ended; give the error that ended them."""
        transform = self._transform
        error: Exception | None = None
        item: Any = None
        while item is not _END and error is None:
            try:
                item = await anext(items, _END)
                shown = item if transform is None or item is _END else transform(item)
                if shown is None:
                    continue
                event = DONE if shown is _END else encode_event(shown)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the reader is told that it ended
                error = failure
                event = encode_event(failure)
            await _deliver(send, {"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.sleep(0)  # neither a read-ahead stream nor a quick reader gives others their turn
        return error


async def _deliver(send: Send, message: Message) -> None:
    try:
        await send(message)
    except OSError as error:  # what ASGI 2.4 says a server may raise
        raise ReaderLeftError from error


async def _close(stream: Any) -> None:
    close = getattr(stream, "aclose", None) or getattr(stream, "close", None)
    closing = close() if close is not None else None
    if inspect.isawaitable(closing):
        await closing


class _Threaded(AsyncIterator[T]):
    """The items of an iterable that blocks, read in the thread pool."""

    def __init__(self, iterable: Iterable[T]) -> None:
        self._items = iter(iterable)
        self._reading: asyncio.Future[T] | None = None

    async def __anext__(self) -> T:
        self._reading = asyncio.ensure_future(run_in_threadpool(next, self._items, _END))
        item = await asyncio.shield(self._reading)
        if item is _END:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Close the iterable, when its thread has come back with the item that it is waiting for."""
        if self._reading is not None:
            await asyncio.wait((self._reading,))
        await run_in_threadpool(_close_blocking, self._items)


def _close_blocking(items: Any) -> None:
    close = getattr(items, "close", None)
    if close is not None:
        close()
