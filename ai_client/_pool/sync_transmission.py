"""Transmission of one request and its answer over a connection, by a thread."""

import ssl
from collections.abc import Iterable, Iterator
from typing import Any

from .connection import Connection
from .message import Arrival, Message
from .response_head import ResponseHead
from .sync_network import SyncNetworkStream
from .wire import Wire


def transmit(connection: Connection[SyncNetworkStream], message: Message) -> Arrival:
    """Send a request; return its answer as far as it has arrived, its head at least.

    Raises:
        TransportError: Of the HTTP library.
    """
    stream, wire = connection.stream, connection.wire
    limit = message.timeouts.get("write")
    before = stream.sent
    head: ResponseHead | None = None
    try:
        first, rest = connection.opening(message)
        stream.write(first, limit)
        if rest is None:
            head = _upload(connection, _parts(message.content, wire), limit)
        elif rest:
            head = _upload(connection, rest, limit)
    except connection.library.http.WriteError as error:
        if stream.sent == before or not isinstance(error.__cause__, ConnectionError | ssl.SSLError):
            raise
        wire.cut()  # a server may answer and close before it has read everything; the answer says why
    phases = message.phases
    if phases is not None:
        phases.sent()
    limit = message.timeouts.get("read")
    while head is None:
        wire.feed(stream.read(limit))
        head = wire.response()
    if phases is not None:
        phases.answered()
    parts: list[bytes] = []
    return head, parts, wire.drain(parts)


def _parts(content: Any, wire: Wire) -> Iterator[bytes]:
    """Yield the parts of a request's body as they go over the wire."""
    for chunk in content:
        yield wire.body(chunk)
    yield wire.end()


def _upload(
    connection: Connection[SyncNetworkStream], parts: Iterable[bytes], limit: float | None
) -> ResponseHead | None:
    """Send the rest of a request unless it is answered early; return the head of an early answer."""
    wire = connection.wire
    head: ResponseHead | None = None

    def answers(said: bytes) -> bool:
        nonlocal head
        wire.feed(said)
        head = wire.response()
        return head is not None

    for part in parts:
        if connection.stream.upload(part, limit, answers):
            wire.cut()
            break
    return head
