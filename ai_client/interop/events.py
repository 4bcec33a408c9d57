"""Events of a stream on their way to a reader that decodes them itself."""

from pydantic_core import from_json

from .._answers.sse import Event, SSEDecoder
from .._call.call import Call, Reply
from .._call.own_policy import show_event
from .._call.stream_ends import DONE, ends_of, is_whole, type_of
from ..errors import OpenAIError, StreamError, StreamInterruptedError, StreamTooLargeError, members_of


class PassedEvents:
    """The events of a stream: shown to the policies, and passed on as they came.

    Attributes:
        done: Whether the server said that there are no more.
        error: What the server reported in place of an event.
        failure: What a policy raised at an event, once the reader has had those before it.
    """

    def __init__(self, call: Call, reply: Reply) -> None:
        self.done = False
        self.error: StreamError | None = None
        self.failure: OpenAIError | None = None
        self._answer = reply.answer
        self._bounds = self._answer.bounds
        self._on_event = reply.on_event
        self._decoder = SSEDecoder(self._bounds.event)
        self._ends = ends_of(call.path)
        self._asked = call.body
        self._believed = reply.stream_end == "optional"
        self._last = tuple(name.encode() for name in self._ends.last)
        self._seen: list[bytes] = []
        self._size = 0
        self._held: list[bytes] = []
        self._rewrites = False

    def pass_on(self, chunk: bytes) -> bytes:
        """Return what the reader may have, once *chunk* has come: events that a policy hides are left out.

        Raises:
            StreamTooLargeError: The stream, or one event of it, is larger than may be held in memory.
        """
        self._size += len(chunk)
        events = self._decoder.feed(chunk)
        shown: list[bool] = []
        try:
            shown.extend(self._see(data) for data, _ in events)
        except OpenAIError as error:
            before = _visible(events[: len(shown)], shown)
            if not before:
                raise
            self.failure = error
            return before
        if self._decoder.overflown or self._size > self._bounds.response:
            raise self._too_large()
        return self._cut(chunk, events, shown) if self._on_event else chunk

    def _cut(self, chunk: bytes, events: list[Event], shown: list[bool]) -> bytes:
        """Return whole events; one that has begun may have to be hidden, and is held."""
        # Lines that end in another way than in a newline are cut by the decoder alone.
        self._rewrites = self._rewrites or b"\r" in chunk
        if self._rewrites:
            self._held.clear()
            return _visible(events, shown)
        self._held.append(chunk)
        if not events:
            return b""
        head, mark, rest = b"".join(self._held).rpartition(b"\n\n")
        self._held = [rest]
        return head + mark if all(shown) else _visible(events, shown)

    def flush(self) -> bytes:
        """Return what is left for the reader at the end of the body.

        Raises:
            StreamInterruptedError: What came may be half an answer.
        """
        marks = self._decoder.flush()
        for data, _ in marks:
            self._see(data)
        if not self.ended:
            what = f"after {len(self._seen)} events without {self._ends.marks}, so that it may be cut off"
            raise StreamInterruptedError(
                f"The stream ended {what if self._seen else 'without any event'}."
                " Where the server sends no end mark, set stream_end='optional'.",
                self._answer.request,
            )
        rest, self._held = b"".join(self._held), []
        return _visible(marks, [True] * len(marks)) if self._rewrites else rest

    @property
    def ended(self) -> bool:
        """Whether the events make a complete answer."""
        if self.done or self.error is not None:
            return True
        return bool(self._seen) and (self._believed or is_whole(self._ends, self._seen, self._asked))

    def _see(self, data: bytes) -> bool:
        """Show an event to the policies; return whether the reader may see it."""
        if data.startswith(DONE):
            self.done = True
            return True
        self._seen.append(data)
        if b'"error"' in data and (error := self._error_in(data)) is not None:
            self.error = error
            return True
        shown = show_event(self._on_event, data)
        if any(name in data for name in self._last) and type_of(data) in self._ends.last:
            self.done = True
        return shown

    def _error_in(self, data: bytes) -> StreamError | None:
        """Return the error that an event reports, if it does."""
        try:
            members = members_of(from_json(data))
        except ValueError:
            return None
        error = members.get("error")
        if not error and members.get("type") == "error" and "error" in self._ends.final:
            error = members
        if not error:
            return None
        said = members_of(error).get("message")
        message = said if isinstance(said, str) and said else "The server ended the stream with an error."
        return StreamError(message, self._answer.request, body=error)

    def _too_large(self) -> StreamTooLargeError:
        if self._decoder.overflown:
            what, name, limit = "An event of the stream", "max_event_bytes", self._bounds.event
        else:
            what, name, limit = "The stream", "max_response_bytes", self._bounds.response
        return StreamTooLargeError(
            f"{what} is larger than {name}, which is {limit} bytes.", self._answer.response
        )


def _visible(events: list[Event], shown: list[bool]) -> bytes:
    visible = (event for event, show in zip(events, shown, strict=True) if show)
    return b"".join(_encoded(data, name) for data, name in visible)


def _encoded(data: bytes, name: bytes | None) -> bytes:
    lines = b"".join(b"data: %b\n" % line for line in data.split(b"\n"))
    return (b"event: %b\n" % name if name else b"") + lines + b"\n"
