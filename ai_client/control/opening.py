"""The opening of a stream: read ahead to the first event, while a failure can still be handled."""

from pydantic_core import from_json

from .._answers.sse import SSEDecoder
from .._call.call import Call
from .._call.stream_ends import DONE
from .._exchange.answer import Answer
from .._io import IO
from .._io.deadline import is_over
from ..errors import (
    DeadlineExceededError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
    members_of,
)
from .body import read_ahead

_MOST = 64 * 1024
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BLANK = b"\xef\xbb\xbf \t\r\n"


async def read_opening(call: Call, answer: Answer) -> bytes | None:
    """Return the data of the first event of a stream, however it is segmented, and put the chunks back.

    Reading stops after 64 KiB without a whole event, and at once where the body cannot be decoded.

    Raises:
        StreamError: The first event is an error.
        StreamInterruptedError: The body ends or breaks off before the first event.
        StreamTimeoutError: A read timed out before the first event.
        DeadlineExceededError: The call's deadline passed before the first event.
    """
    opening = _StreamHead(answer)
    failures: tuple[type[Exception], ...] = (TimeoutError, *call.io.failures)
    try:
        began = await read_ahead(call.io, answer, opening.take)
    except failures as error:
        if is_over(call.deadline):
            raise DeadlineExceededError(answer.request) from error
        if not isinstance(error, call.io.failures):
            raise
        kind = StreamTimeoutError if isinstance(error, call.io.timeouts) else StreamInterruptedError
        message = f"The stream broke off before its first item ({type(error).__name__})."
        raise kind(message, answer.request) from error
    if not began and opening.is_readable and not opening.ends():
        raise StreamInterruptedError("The stream ended without any event.", answer.request)
    if (data := opening.first) is not None:
        _raise_if_error(data, answer)
    return data


class _StreamHead:
    """The part of a stream up to its first whole event.

    Attributes:
        first: The data of that event.
    """

    def __init__(self, answer: Answer) -> None:
        self.first: bytes | None = None
        self._size = 0
        self._decoder = SSEDecoder()
        self._unpack = answer.side_decoder()

    @property
    def is_readable(self) -> bool:
        """Whether the body has no content encoding, or one that can be decoded here."""
        return self._unpack.is_readable

    def take(self, chunk: bytes) -> bool:
        """Add a chunk; return whether to stop reading."""
        chunk = self._unpack.decode(chunk)
        if not self._unpack.is_readable:
            return True
        self._size += len(chunk)
        for data, _ in self._decoder.feed(chunk):
            self.first = data
            return True
        return self._size >= _MOST

    def ends(self) -> bool:
        """Return whether the body ended with an end mark that lacks its final blank line."""
        return any(data == DONE for data, _ in self._decoder.flush())


async def begins_as_stream(io: IO, answer: Answer) -> bool:
    """Return whether a body begins as a stream of events, whatever its content type; put back what was read of it."""
    beginning = _Beginning(answer)
    await read_ahead(io, answer, beginning.take)
    return beginning.is_stream


class _Beginning:
    """The first bytes of a body: neither JSON nor a page begins as an event does.

    Attributes:
        is_stream: Whether the body is known to be a stream of events.
    """

    def __init__(self, answer: Answer) -> None:
        self.is_stream = False
        self._start = b""
        self._size = 0
        self._unpack = answer.side_decoder()

    def take(self, chunk: bytes) -> bool:
        """Accept a chunk; return whether no more of them are wanted."""
        chunk = self._unpack.decode(chunk)
        if not self._unpack.is_readable:
            return True
        self._size += len(chunk)
        self._start = (self._start + chunk).lstrip(_BLANK)
        self.is_stream = self._start.startswith(_FIELDS)
        may_be = any(field.startswith(self._start) for field in _FIELDS)
        return self.is_stream or not may_be or self._size >= _MOST


def _raise_if_error(data: bytes, answer: Answer) -> None:
    if b'"error"' not in data:
        return
    try:
        members = members_of(from_json(data))
    except ValueError:
        return
    error = members_of(members.get("error")) or (members if members.get("type") == "error" else None)
    if error:
        said = error.get("message")
        message = said if isinstance(said, str) and said else "The server ended the stream with an error."
        raise StreamError(message, answer.request, body=error)
