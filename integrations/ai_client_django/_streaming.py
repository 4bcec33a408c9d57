"""Streams as server-sent events."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse

from ai_client.adapter import EVENT_HEADERS, EVENT_STREAM, AsyncEvents, AsyncItems, Events, SyncItems

T = TypeVar("T")


class EventStreamResponse(StreamingHttpResponse):
    """The items of a stream as server-sent events, for WSGI and ASGI servers.

    A handler that iterates the other way than the stream does is bridged by a thread or an event loop of the
    response's own.
    """

    def __init__(
        self, stream: Iterable[Any] | AsyncIterable[Any], transform: Callable[[Any], Any] | None = None
    ) -> None:
        self._stream = stream
        self._sync: SyncItems[bytes] | None = None
        self._async_events: AsyncEvents | None = None
        if isinstance(stream, AsyncIterable):
            self._async_events = AsyncEvents(stream, transform)
            events: Any = self._async_events
        else:
            events = Events(stream, transform)
        self._events: Any = events
        super().__init__(events, content_type=EVENT_STREAM, headers=dict(EVENT_HEADERS))

    def __iter__(self) -> Iterator[bytes]:
        """Iterate for a WSGI server."""
        events = self._async_events
        if events is None or not self.is_async:
            return super().__iter__()
        self._sync = SyncItems(cast("AsyncIterable[bytes]", self.streaming_content), events.aclose)
        return self._sync

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate for an ASGI server, and close the stream when the iteration ends."""
        events = self._async_events
        if events is not None and self.is_async:
            try:
                async for part in cast("AsyncIterable[bytes]", self.streaming_content):
                    yield part
            finally:
                await events.aclose()
            return
        parts = AsyncItems(
            cast("Iterable[bytes]", self.streaming_content),
            self._stream,
            self._close_events,
            self._events.leave,
        )
        try:
            async for part in parts:
                yield part
        finally:
            parts.close()

    def close(self) -> None:
        """Close the stream; handlers call this at the end of each response."""
        try:
            self._close_events()
        finally:
            super().close()

    def _close_events(self) -> None:
        if self._async_events is None:
            self._events.close()
        elif self._sync is not None:
            self._sync.close()
        elif not self._async_events.ended:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                async_to_sync(self._async_events.aclose)()
            else:  # closed from within a coroutine, as Django's test client does
                self._closing = loop.create_task(self._async_events.aclose())


def stream_response(
    stream: Iterable[T] | AsyncIterable[T], *, transform: Callable[[T], Any] | None = None
) -> EventStreamResponse:
    """Return a response that sends the items of a stream as server-sent events, and `[DONE]` after the last.

        return stream_response(settings.AI_CLIENT.chat.completions.create(..., stream=True))

    The stream is closed at its end or when the reader disconnects: under ASGI at once, under WSGI at the next
    event that the server sends. An error in mid-stream is sent as an event of type `error`.

    Args:
        stream: A stream of either client, or a generator; with any server.
        transform: Maps each item to what is sent: a result, text or other data; `None` sends nothing.
    """
    return EventStreamResponse(stream, transform)
