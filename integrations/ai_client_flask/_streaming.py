"""Streams as server-sent events."""

from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any, TypeVar

from flask import Response

from ai_client.adapter import EVENT_HEADERS, EVENT_STREAM, sync_events

T = TypeVar("T")


def stream_response(
    stream: Iterable[T] | AsyncIterable[T], *, transform: Callable[[T], Any] | None = None
) -> Response:
    """Return a response that sends the items of a stream as server-sent events, and `[DONE]` after the last.

        return stream_response(ai.client.chat.completions.create(..., stream=True))

    The stream is closed at its end, or when the server notices that the reader has disconnected: at the next
    event it sends. An error in mid-stream is sent as an event of type `error`.

    Args:
        stream: A stream of either client, or a generator.
        transform: Maps each item to what is sent: a result, text or other data; `None` sends nothing.
    """
    events = sync_events(stream, transform)
    response = Response(events, headers=dict(EVENT_HEADERS), content_type=EVENT_STREAM)
    response.call_on_close(events.close)
    return response
