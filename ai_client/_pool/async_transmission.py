"""Transmission of one request and its answer over a connection, by a task."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from .async_network import AsyncNetworkStream
from .connection import Connection
from .message import Arrival, Message
from .response_head import ResponseHead
from .wire import Wire

_PIECE = 256 * 1024


async def transmit(connection: Connection[AsyncNetworkStream], message: Message) -> Arrival:
    """Send a request; return its answer as far as it has arrived, its head at least.

    Raises:
        TransportError: Of the HTTP library.
    """
    stream, wire = connection.stream, connection.wire
    limit = message.timeouts.get("write")
    deadline = message.deadline
    if deadline is not None:
        _check_time(deadline, connection)
    before = stream.sent
    head: ResponseHead | None = None
    try:
        first, rest = connection.opening(message)
        if stream.hand_over(first, limit):
            await stream.drained(limit)
        if rest is None:
            head = await _upload(connection, _parts(message.content, wire), limit, deadline)
        elif rest:
            head = await _upload(connection, _pieces(rest), limit, deadline)
    except connection.library.http.WriteError:
        if stream.sent == before:
            raise
        wire.cut()  # a server may answer and close before it has read everything; the answer says why
    phases = message.phases
    if phases is not None:
        phases.sent()
    limit = message.timeouts.get("read")
    while head is None:
        arrival = stream.arrival(limit)
        if arrival is not None:  # as `read` waits, without a coroutine of its own
            try:
                await arrival
            finally:
                stream.arrived()
        wire.feed(stream.read_buffered())
        head = wire.response()
    if phases is not None:
        phases.answered()
    parts: list[bytes] = []
    return head, parts, wire.drain(parts)


async def _parts(content: Any, wire: Wire) -> AsyncGenerator[bytes, None]:
    """Yield the parts of a request's body as they go over the wire."""
    async for chunk in content:
        yield wire.body(chunk)
    yield wire.end()


async def _pieces(parts: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield parts that are at hand in pieces between which an answer may come."""
    for part in parts:
        for start in range(0, len(part), _PIECE):
            yield part[start : start + _PIECE]


async def _upload(
    connection: Connection[AsyncNetworkStream],
    parts: AsyncGenerator[bytes, None],
    limit: float | None,
    deadline: float | None,
) -> ResponseHead | None:
    """Send the rest of a request unless it is answered early; return the head of an early answer."""
    wire = connection.wire
    async with contextlib.aclosing(parts):
        async for part in parts:
            if deadline is not None:
                _check_time(deadline, connection)
            if said := await connection.stream.upload(part, limit):
                wire.feed(said)
                if (head := wire.response()) is not None:
                    wire.cut()
                    return head
            await asyncio.sleep(0)  # neither a file nor a quick server makes the task wait
    return None


def _check_time(deadline: float, connection: Connection[AsyncNetworkStream]) -> None:
    if time.monotonic() >= deadline:
        raise connection.library.http.WriteTimeout("The deadline passed before the request was sent.")
