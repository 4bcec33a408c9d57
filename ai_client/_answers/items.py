"""Typed items of a streamed body, without I/O."""

from collections.abc import Iterator
from typing import Any, Generic, NoReturn, TypeVar

from pydantic_core import from_json, to_json

from .._call.call import Call, Reply
from .._call.own_policy import show_event
from .._call.stream_ends import DONE, ends_of, is_whole, type_of
from .._models.decode import admits, decode, decoder
from ..errors import StreamError, StreamInterruptedError, StreamTooLargeError, members_of
from .sse import Event, SSEDecoder

T = TypeVar("T")


class Items(Generic[T]):
    """Decoder of chunks to typed items, which can replay the items it has returned.

    Attributes:
        done: Whether the server said that there are no more.
    """

    def __init__(self, call: Call, reply: Reply, *, strict: bool) -> None:
        self.done = False
        self._type: type[T] = call.stream
        self._strict = strict
        self._answer = reply.answer
        self._on_event = reply.on_event
        self._bounds = self._answer.bounds
        self._decoder = SSEDecoder(self._bounds.event)
        self._size = 0
        self._ends = ends_of(call.path)
        self._asked = call.body
        self._believed = reply.stream_end == "optional"
        self._decode: Any = None
        self._given: list[bytes] = []  # undecoded: many live models would keep the garbage collector busy
        self._hidden: list[bytes] = []

    @property
    def count(self) -> int:
        """Number of items returned so far."""
        return len(self._given)

    def so_far(self) -> list[T]:
        """Decode the items returned so far once more."""
        return [decode(self._type, data, strict=self._strict) for data in self._given]

    @property
    def ended(self) -> bool:
        """Whether the events received make a complete answer at the end of the body."""
        if self.done:
            return True
        events = self._given + self._hidden
        return bool(events) and (self._believed or is_whole(self._ends, events, self._asked))

    def last_word(self) -> StreamError | None:
        """Return the error that the server reported last, where the caller got it as an event like any other."""
        data = self._given[-1] if self._given else b""
        if b'"error"' not in data or "error" not in self._ends.final or type_of(data) != "error":
            return None
        members = members_of(from_json(data))
        return self._error(members.get("data") if self._ends.beside else members)

    def check_ended(self) -> None:
        """Raise where the body ended before the stream did.

        Raises:
            StreamInterruptedError: What came may be half an answer.
        """
        if self.ended:
            return
        if self._given or self._hidden:
            message = (
                f"The stream ended after {self.count} items without {self._ends.marks}, so that it may be cut off;"
                " they are in this error's `received`."
                " Where the server sends no end mark, set stream_end='optional'."
            )
        else:
            kind = self._answer.header("content-type") or "no content type"
            message = f"The stream ended without any event ({kind})."
        raise StreamInterruptedError(message, self._answer.request, received=self.so_far())

    def read(self, chunk: bytes | None) -> Iterator[T]:
        """Return the items that the next bytes complete; `None` marks the end of the body.

        Raises:
            StreamError: The server reports an error, or an event is not an item.
            StreamTooLargeError: The body, or one event of it, is larger than may be held in memory.
        """
        events = self._completed_by(chunk)
        if self._decode is None:  # not before, as a type that has no decoder must end the stream
            self._decode = decoder(self._type, strict=self._strict)
        to_item, on_event, keep, last = self._decode, self._on_event, self._given.append, self._ends.last
        for data, name in events:
            if on_event and not data.startswith(DONE) and not self._announce(data):
                self._hidden.append(data)
                if last and type_of(data) in last:
                    self.done = True
                    return
                continue
            if name is not None and (name.startswith(b"thread.") or (name == b"error" and self._ends.beside)):
                data = self._with_type(data, name)  # noqa: PLW2901 - the event as it is to be decoded and kept
            try:
                item = to_item(data)
            except ValueError:
                if data.startswith(DONE):
                    self.done = True
                    return
                item = self._decode_odd(data)
            # An error is among what a model of ours does not know; of other types only the bytes can tell.
            unknown = getattr(item, "__pydantic_extra__", None)
            if unknown is None or "error" in unknown or "error" in item.__dict__:
                self._raise_if_error(data)
                if unknown is None and not admits(self._type, item):
                    raise self._not_an_item(data)
            keep(data)
            if last and _kind(item) in last:
                self.done = True
                yield item
                return
            yield item
        if self._decoder.overflown or self._size > self._bounds.response:
            self._refuse_size()

    def _completed_by(self, chunk: bytes | None) -> list[Event]:
        if chunk is None:
            return self._decoder.flush()
        self._size += len(chunk)
        return self._decoder.feed(chunk)

    def _refuse_size(self) -> NoReturn:
        if self._decoder.overflown:
            what, name, limit = "An event of the stream", "max_event_bytes", self._bounds.event
        else:
            what, name, limit = "The stream", "max_response_bytes", self._bounds.response
        raise StreamTooLargeError(
            f"{what} is larger than {name}, which is {limit} bytes; the {self.count} items before it are in this"
            " error's `received`.",
            self._answer.response,
            received=self.so_far(),
        )

    def _announce(self, data: bytes) -> bool:
        """Pass an event's data to the policies; return whether the caller may see it."""
        self._raise_if_error(data)
        return show_event(self._on_event, data)

    def _with_type(self, data: bytes, name: bytes) -> bytes:
        """Return an event with its type inside, for APIs that name it only beside the data."""
        self._raise_if_error(data)
        return b'{"event":%b,"data":%b}' % (to_json(name.decode(errors="replace")), data)

    def _decode_odd(self, data: bytes) -> T:
        self._raise_if_error(data)
        try:
            return decode(self._type, data, strict=self._strict)
        except ValueError as error:
            raise self._not_an_item(data) from error

    def _not_an_item(self, data: bytes) -> StreamError:
        return StreamError(
            f"The stream holds an event that is not valid JSON of the expected kind ({len(data)} bytes).",
            self._answer.request,
            body=None,
            received=self.so_far(),
        )

    def _raise_if_error(self, data: bytes) -> None:
        if b'"error"' not in data:
            return
        try:
            body = from_json(data)
        except ValueError:
            return
        error = members_of(body).get("error")
        if not error:
            return
        raise self._error(error)

    def _error(self, body: object) -> StreamError:
        said = members_of(body).get("message")
        message = said if isinstance(said, str) and said else "The server ended the stream with an error."
        return StreamError(message, self._answer.request, body=body, received=self.so_far())


def _kind(item: object) -> object:
    """Return the type that an item states."""
    kind = getattr(item, "type", None)
    return members_of(item).get("type") if kind is None else kind
