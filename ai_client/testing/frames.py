"""Replies as h11 events."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus

import h11

from ai_client.testing.reply import Piece, Reply, merged

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def whole(reply: Reply) -> tuple[h11.Response, bytes]:
    """Return head and body of a reply sent with a content length."""
    content_type, body = reply.payload()
    return _head(reply, ("content-type", content_type), ("content-length", str(len(body)))), body


def streamed(reply: Reply) -> h11.Response:
    """Return the head of a reply sent in chunks."""
    event_stream = ("content-type", "text/event-stream; charset=utf-8")
    return _head(reply, event_stream, ("transfer-encoding", "chunked"))


def marking_last(chunks: Iterable[Piece]) -> Iterator[tuple[Piece, bool]]:
    """Yield each piece with whether it is the last, so that it can be sent together with the end of the stream."""
    pieces = iter(chunks)
    piece = next(pieces, None)
    while piece is not None:
        following = next(pieces, None)
        yield piece, following is None
        piece = following


def _head(reply: Reply, *usual: tuple[str, str]) -> h11.Response:
    status = reply.status or 200
    return h11.Response(
        status_code=status,
        reason=_REASONS.get(status, b""),
        headers=[(name.encode(), value.encode("latin-1")) for name, value in merged(usual, reply.headers)],
    )
