"""Streams as server-sent events."""

from collections.abc import AsyncIterable, Iterable
from typing import Any

from flask import Response

from ai_client.relay import blocking_events
from ai_client.web import EVENT_HEADERS, EVENT_STREAM


def stream_response(stream: Iterable[Any] | AsyncIterable[Any]) -> Response:
    """Answer with the items of a stream as server-sent events, as they come.

    The stream, of either client, is closed at its end or when the reader leaves. An error of the client's in mid-stream
    is sent as an `error` event.
    """
    events = blocking_events(stream)
    response = Response(events, headers=dict(EVENT_HEADERS), content_type=EVENT_STREAM)
    response.call_on_close(events.close)
    return response
