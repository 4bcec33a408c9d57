"""Measuring calls: usage from answers and streams, asked for where the caller did not."""

import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

from ..errors import APIConnectionError, APIStatusError, APITimeoutError, members_of
from . import usage as usage_of
from .call import Call, Next, Reply, StreamEnd
from .record import Record, record_of
from .usage import UNKNOWN, Usage

_ASKABLE = ("/chat/completions", "/completions")
_NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})
_run = secrets.token_hex(8)
_numbers = count(1)


class Meter:
    """The usage of one reply, read once however many policies ask."""

    def __init__(self, call: Call, reply: Reply) -> None:
        self._call = call
        self._response = reply.response
        self._events: list[bytes] = []
        self._reported: Usage | None = None
        self._known: Usage | None = None
        if call.stream is not None:
            reply.on_event.append(self._see)

    def _see(self, data: bytes) -> None:
        if b'"usage"' in data and b'"usage":null' not in data:
            self._reported = usage_of.reported(data) or self._reported
        self._events.append(data)

    def usage(self) -> Usage:
        """Give the usage: for a stream, as far as it was read."""
        if self._known is None:
            self._known = self._measure()
            self._events.clear()
        return self._known

    def _measure(self) -> Usage:
        if self._reported is not None:
            return self._reported
        if self._events:
            return usage_of.from_events(self._call, self._events)
        if self._call.stream is not None:
            return usage_of.Usage("estimated", usage_of.input_tokens(self._call))
        if getattr(self._response, "_content", None) is None:
            return UNKNOWN  # left unread, or read piece by piece
        return usage_of.reported(self._response.content) or UNKNOWN


async def measured(
    call: Call, proceed: Next, then: Callable[[Usage], Awaitable[None]], *, ask: bool = True
) -> Reply:
    """Send a call, and run *then* with its usage: at once, or when its stream ends.

    Where *ask* is set, a stream of chat completions is asked to report its usage; the chunk that does is hidden
    from a caller who did not ask for it.
    """
    asking = asking_for_usage(call) if ask else call
    reply = await proceed(asking)
    if asking is not call:
        reply.on_event.append(is_for_caller)
    meter = reply.meter
    if meter is None:
        meter = reply.meter = Meter(asking, reply)
    record = record_of(call)
    if call.stream is None and not call.unread:
        record.usage = meter.usage()
        await then(record.usage)
        return reply

    async def at_end(end: StreamEnd) -> None:
        del end
        record.usage = meter.usage()
        await then(record.usage)

    reply.on_end.append(at_end)
    return reply


def asks_for_usage(call: Call) -> bool:
    """Tell whether the caller of a stream of chat completions wants its usage, or no such stream is asked for."""
    if call.stream is None or not call.path.endswith(_ASKABLE):
        return True
    return bool(members_of(members_of(call.body).get("stream_options")).get("include_usage"))


def asking_for_usage(call: Call) -> Call:
    """Give a call that asks for its usage; the same one where it does, or where its chunks could not be hidden."""
    if call.unread or asks_for_usage(call):
        return call
    body: Mapping[str, Any] = members_of(call.body)
    options = {**members_of(body.get("stream_options")), "include_usage": True}
    return call.changed(body={**body, "stream_options": options})


def is_for_caller(data: bytes) -> bool:
    """Tell whether a chunk is anything but the report of usage that the caller did not ask for."""
    if b'"usage"' not in data or b'"usage":null' in data:
        return True
    outline = usage_of.outline_of(data)
    return outline.get("choices") != [] or not outline.get("usage")


def may_be_billed(error: BaseException, record: Record) -> bool:
    """Tell whether a call that failed may have reached the provider and cost something."""
    if not record.attempts:
        return False
    if isinstance(error, APIStatusError):
        return False
    if isinstance(error, APITimeoutError | APIConnectionError):
        cause = error.__cause__
        said: object = getattr(cause, "may_have_been_sent", None)
        return type(cause).__name__ not in _NOT_SENT if said is None else bool(said)
    return not isinstance(error, Exception)


def new_ticket() -> str:
    """Give a name that no other call has, in this process or another."""
    return f"{_run}-{os.getpid()}-{next(_numbers)}"
