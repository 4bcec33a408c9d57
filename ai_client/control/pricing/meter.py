"""Measure calls: usage from responses and streams, requested where the caller did not request it."""

from functools import lru_cache
from typing import Any

from ..._answers.sse import SSEDecoder
from ..._call.call import Call, Reply
from ..._call.chat_report import service_tier_of
from ..._call.record import Record
from ..._call.report import outline_of, reported, reported_in
from ..._call.usage import UNKNOWN, Meter, Usage
from ..._models.base import is_model
from ..._models.decode import decode
from ..._models.json import as_utf8
from ...errors import members_of
from ..record import record_of
from .billed import is_media
from .estimates import from_events, input_tokens
from .media import used
from .unread import UnreadBody

_PACKAGE = f"{__name__.partition('.')[0]}."
_ASKABLE = ("/chat/completions", "/completions")


def usage_of(call: Call, reply: Reply, record: Record) -> Usage:
    """Return the usage of a whole response, parsed once for all policies, and note it on the call's record."""
    usage = reply.usage
    if usage is None:
        content = reply.answer.content_if_read
        if content is None:
            usage = UNKNOWN
        else:
            usage = _reported(call, reply, content) or _estimated(call, content, len(content))
        reply.usage = usage
    record.usage = usage
    return usage


def _reported(call: Call, reply: Reply, content: bytes) -> Usage | None:
    """Return the usage that a response reports; a model result is decoded here once and reused for the caller.

    Models of an application may leave out, or name otherwise, what the usage is read from.
    """
    if not _is_ours(call.cast_to):
        return _believed(reported(as_utf8(content) or content))
    try:
        result = reply.result = decode(call.cast_to, content)
    except ValueError:  # raised to the caller when the result is built
        return None
    return _believed(reported_in(result, content))


@lru_cache(maxsize=256)
def _is_ours(cast_to: Any) -> bool:
    return is_model(cast_to) and cast_to.__module__.startswith(_PACKAGE)


def _believed(usage: Usage | None) -> Usage | None:
    """Return reported usage, or `None` where it is empty."""
    return usage if usage is not None and (usage.input or not usage.is_empty) else None


class StreamMeter:
    """Measures a stream or unread body, once for all policies, and notes the usage on the call's record."""

    __slots__ = ("_call", "_events", "_record", "_reply", "_reported", "_unread")

    def __init__(self, call: Call, reply: Reply) -> None:
        self._call = call
        self._record = record_of(call)
        self._reply = reply
        self._reported: Usage | None = None
        self._events: list[bytes] = []
        self._unread: UnreadBody | None = None
        if call.unread:
            self._unread = UnreadBody(reply.answer, self._see)
        else:
            reply.on_event.append(self._see)

    def _see(self, data: bytes) -> None:
        if b'"usage"' in data and b'"usage":null' not in data:
            self._reported = _believed(reported(data)) or self._reported
        self._events.append(data)

    def usage(self) -> Usage:
        """Return the usage, as far as the body was read."""
        usage = self._reply.usage
        if usage is None:
            usage = self._reply.usage = self._measure()
            self._events.clear()
        self._record.usage = usage
        return usage

    def _measure(self) -> Usage:
        call, unread = self._call, self._unread
        if self._reported is not None:
            if self._reported.service_tier is None and self._events:
                self._reported.service_tier = service_tier_of(outline_of(self._events[0]))
            return self._reported
        if self._events:
            return from_events(call, self._events)
        if unread is not None:
            content = unread.content()
            found = None if content is None else _believed(reported(content))
            return found or _estimated(call, content, unread.size)
        return Usage("estimated", input_tokens(call))


def _estimated(call: Call, content: bytes | None, size: int) -> Usage:
    """Estimate the usage of a response that reports none."""
    if not is_media(call):
        return UNKNOWN if call.stream is None else Usage("estimated", input_tokens(call))
    if content is not None and content.startswith((b"data:", b"event:")):
        decoder = SSEDecoder()
        found = [_believed(reported(data)) for data, _ in decoder.feed(content) + decoder.flush()]
        if last := next(filter(None, reversed(found)), None):
            return last
    return used(call, content, size) or UNKNOWN


class _KnownUsage:
    """The usage of an answer that is read already."""

    __slots__ = ("_usage",)

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def usage(self) -> Usage:
        """Return the usage."""
        return self._usage


def usage_meter(call: Call, reply: Reply) -> Meter:
    """Return the meter of an answer, for a policy that has just received *reply*.

    Its `usage()` is final once the answer is read: at once where it is whole, in `Reply.on_end` of a stream. Usage that
    is not reported is estimated; with the control `cost`, streams are asked to report it. It is unknown where nothing
    was sent, as of a cached answer.
    """
    record = record_of(call)
    if record.cache not in {None, "miss"} or (reply.is_made and not record.attempts):
        return _KnownUsage(UNKNOWN)
    return _KnownUsage(usage_of(call, reply, record)) if call.is_whole else metered(call, call, reply)


def metered(call: Call, sent: Call, reply: Reply) -> Meter:
    """Return the meter of the stream that answers *call*; *sent* is the call as `asking_for_usage` changed it.

    The usage chunk is hidden from a caller who did not ask for it.
    """
    if sent is not call:
        reply.on_event.append(is_for_caller)
    meter = reply.meter
    if meter is None:
        meter = reply.meter = StreamMeter(sent, reply)
    return meter


def asks_for_usage(call: Call) -> bool:
    """Return whether the caller asks for the usage of a stream, or the endpoint has no such option."""
    if call.stream is None or not call.path.endswith(_ASKABLE):
        return True
    return bool(members_of(call.members().get("stream_options")).get("include_usage"))


def asking_for_usage(call: Call) -> Call:
    """Return a copy of a call that asks for its usage.

    Returns:
        The same call where it already asks, cannot ask, or its body is unread, so that no chunk could be
            hidden.
    """
    if call.stream is None or call.unread or asks_for_usage(call):
        return call
    options = members_of(call.members().get("stream_options"))
    return call.with_members({"stream_options": {**options, "include_usage": True}})


def is_for_caller(data: bytes) -> bool:
    """Return whether a chunk is anything but the usage report that the caller did not ask for."""
    if b'"usage"' not in data or b'"usage":null' in data:
        return True
    outline = outline_of(data)
    return bool(outline.get("choices")) or not outline.get("usage")
