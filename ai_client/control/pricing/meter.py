"""Measuring calls: usage from answers and streams, asked for where the caller did not."""

from ..._answers.sse import SSEDecoder
from ..._call.call import Call, Reply
from ..._call.record import Record
from ..._call.usage import UNKNOWN, Meter, Usage, outline_of, reported, reported_in
from ..._models.base import is_model
from ..._models.decode import decode
from ..._models.json import as_utf8
from ...errors import members_of
from ..record import record_of
from .estimates import from_events, input_tokens
from .media import is_media, used
from .unread import UnreadBody

_ASKABLE = ("/chat/completions", "/completions")


def usage_of(call: Call, reply: Reply, record: Record) -> Usage:
    """Give the usage of a whole answer, read once however many policies ask, and note it on the call's record."""
    usage = reply.usage
    if usage is None:
        content: bytes | None = getattr(reply.response, "_content", None)
        if content is None:
            usage = UNKNOWN
        else:
            usage = _reported(call, reply, content) or _estimated(call, content, len(content))
        reply.usage = usage
    record.usage = usage
    return usage


def _reported(call: Call, reply: Reply, content: bytes) -> Usage | None:
    """Read the usage that a whole answer reports, out of the result that the caller gets where that is a model."""
    if not is_model(call.cast_to):
        return _believed(reported(as_utf8(content) or content))
    try:
        result = reply.result = decode(call.cast_to, content)
    except ValueError:  # which the caller will hear of
        return None
    return _believed(reported_in(result))


def _believed(usage: Usage | None) -> Usage | None:
    """Give what is reported, unless that is nothing at all."""
    return None if usage is None or usage.is_empty else usage


class StreamMeter:
    """The usage of a stream or unread body, read once however many policies ask, and noted on the call's record."""

    __slots__ = ("_call", "_events", "_record", "_reply", "_reported", "_unread")

    def __init__(self, call: Call, reply: Reply) -> None:
        self._call = call
        self._record = record_of(call)
        self._reply = reply
        self._reported: Usage | None = None
        self._events: list[bytes] = []
        self._unread: UnreadBody | None = None
        if call.unread:
            self._unread = UnreadBody(reply.response, self._see)
        else:
            reply.on_event.append(self._see)

    def _see(self, data: bytes) -> None:
        if b'"usage"' in data and b'"usage":null' not in data:
            self._reported = _believed(reported(data)) or self._reported
        self._events.append(data)

    def usage(self) -> Usage:
        """Give the usage, as far as the body was read."""
        usage = self._reply.usage
        if usage is None:
            usage = self._reply.usage = self._measure()
            self._events.clear()
        self._record.usage = usage
        return usage

    def _measure(self) -> Usage:
        call, unread = self._call, self._unread
        if self._reported is not None:
            return self._reported
        if self._events:
            return from_events(call, self._events)
        if unread is not None:
            content = unread.content()
            found = None if content is None else _believed(reported(content))
            return found or _estimated(call, content, unread.size)
        return Usage("estimated", input_tokens(call))


def _estimated(call: Call, content: bytes | None, size: int) -> Usage:
    """Estimate what an answer used that does not report it."""
    if not is_media(call):
        return UNKNOWN if call.stream is None else Usage("estimated", input_tokens(call))
    if content is not None and content.startswith((b"data:", b"event:")):
        decoder = SSEDecoder()
        found = [_believed(reported(data)) for data, _ in decoder.feed(content) + decoder.flush()]
        if last := next(filter(None, reversed(found)), None):
            return last
    return used(call, content, size) or UNKNOWN


def metered(call: Call, sent: Call, reply: Reply) -> Meter:
    """Give what measures the stream that answers *call*, which was *sent* as `asking_for_usage` has it.

    The chunk that reports the usage of a stream is hidden from a caller who did not ask for it.
    """
    if sent is not call:
        reply.on_event.append(is_for_caller)
    meter = reply.meter
    if meter is None:
        meter = reply.meter = StreamMeter(sent, reply)
    return meter


def asks_for_usage(call: Call) -> bool:
    """Tell whether the caller of a stream of chat completions wants its usage, or no such stream is asked for."""
    if call.stream is None or not call.path.endswith(_ASKABLE):
        return True
    return bool(members_of(members_of(call.body).get("stream_options")).get("include_usage"))


def asking_for_usage(call: Call) -> Call:
    """Give a call that asks for its usage; the same one where it does, or where its chunks could not be hidden."""
    if call.stream is None or call.unread or asks_for_usage(call):
        return call
    options = members_of(members_of(call.body).get("stream_options"))
    return call.with_members({"stream_options": {**options, "include_usage": True}})


def is_for_caller(data: bytes) -> bool:
    """Tell whether a chunk is anything but the report of usage that the caller did not ask for."""
    if b'"usage"' not in data or b'"usage":null' in data:
        return True
    outline = outline_of(data)
    return bool(outline.get("choices")) or not outline.get("usage")
