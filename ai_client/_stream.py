"""Streamed results: the events of a body as typed items, one decoder below two iterators."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from pydantic_core import from_json, to_json

from ._io import finish
from ._models import decode, decoder
from ._sse import ServerSentEvent, SSEDecoder
from .control.call import Call, Reply, StreamEnd
from .control.deadline import is_over
from .errors import StreamError, StreamInterruptedError, StreamTimeoutError, members_of

if TYPE_CHECKING:
    import httpx

    from ._io import IO

T = TypeVar("T")
_DONE = b"[DONE]"
_HIDDEN: Any = object()
_DRAIN_SECONDS = 0.1


class _Events(Generic[T]):
    """What both streams share: the state of one stream and the meaning of its events."""

    def __init__(self, call: Call, reply: Reply, *, strict: bool = False) -> None:
        self.response: httpx.Response = reply.response
        self._io: IO = call.io
        self._item_type = call.stream
        self._reply = reply
        self._call_record = call.record
        self._strict = strict
        self._decoder = SSEDecoder()
        self._decode: Any = None  # made when the first bytes are there
        self._received: list[bytes] = []  # undecoded, as they are asked for but in an error
        self._batch: Iterator[ServerSentEvent] = iter(())
        self._done = False  # the server said so
        self._at_end = False  # the body has no more bytes
        self._closed = False
        self._deadline = reply.deadline
        self._ender = self._io.ender()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self._closed = True
            end = StreamEnd(None, complete=False)
            with suppress(Exception):  # there is nobody to tell
                self._ender(_close(self._io, self.response, self._reply, end))

    def _item(self, event: ServerSentEvent) -> T:
        """Decode one event; `_HIDDEN` where it is not for the caller."""
        data = event.data
        if data.startswith(_DONE):
            self._done = True
            return cast("T", _HIDDEN)
        if b'"error"' in data:
            self._raise_if_error(data)
        if self._reply.on_event and not self._announce(data):
            return cast("T", _HIDDEN)
        if event.event is not None and event.event.startswith("thread."):
            # these events name their type beside the data and not in it
            data = b'{"event":%b,"data":%b}' % (to_json(event.event), data)
        try:
            item = self._decode(data)
        except ValueError:
            item = self._decode_odd(data)
        self._received.append(data)
        return cast("T", item)

    def _decode_odd(self, data: bytes) -> T:
        try:
            return cast("T", decode(self._item_type, data, strict=self._strict))
        except ValueError as error:
            raise StreamError(
                f"The stream holds an event that is not valid JSON of the expected kind ({len(data)} bytes).",
                self.response.request,
                body=None,
                received=self._items(),
            ) from error

    def _items(self) -> list[T]:
        """Give the items so far once more."""
        return [cast("T", decode(self._item_type, data, strict=self._strict)) for data in self._received]

    def _announce(self, data: bytes) -> bool:
        shown = True
        for see in self._reply.on_event:
            if see(data) is False:
                shown = False
        return shown

    def _raise_if_error(self, data: bytes) -> None:
        try:
            body = from_json(data)
        except ValueError:
            return
        error = members_of(body).get("error")
        if not error:
            return
        said = members_of(error).get("message")
        message = said if isinstance(said, str) and said else "The server ended the stream with an error."
        raise StreamError(message, self.response.request, body=error, received=self._items())

    def _advance(self, chunk: bytes | None) -> None:
        """Take in the next bytes of the body, `None` at its end."""
        if self._decode is None:
            self._decode = decoder(self._item_type, strict=self._strict)
        if chunk is None:
            self._at_end = True
            self._batch = iter(self._decoder.flush())
        else:
            self._batch = iter(self._decoder.feed(chunk))

    def _failure(self, error: BaseException) -> BaseException:
        """Say what an exception in mid-stream means to the caller."""
        if isinstance(error, self._io.failures) or (
            isinstance(error, TimeoutError) and is_over(self._deadline)
        ):
            return self._broken(error)
        return error

    def _broken(self, error: BaseException) -> StreamInterruptedError:
        count = len(self._received)
        kind: type[StreamInterruptedError]
        if is_over(self._deadline):
            kind, what = StreamTimeoutError, "was not over when the call's deadline came,"
        elif isinstance(error, self._io.timeouts):
            kind, what = StreamTimeoutError, "fell silent for longer than the read timeout"
        else:
            kind, what = StreamInterruptedError, f"broke off ({type(error).__name__})"
        return kind(
            f"The stream {what} after {count} items; they are in this error's `received`.",
            self.response.request,
            received=self._items(),
        )

    async def _end(self, error: BaseException | None) -> None:
        """Let go of the response and settle, once."""
        if self._closed:
            return
        self._closed = True
        self._batch = iter(())
        end = StreamEnd(error, complete=error is None and (self._done or self._at_end))
        await _close(self._io, self.response, self._reply, end)


async def _close(io: "IO", response: "httpx.Response", reply: Reply, end: StreamEnd) -> None:
    try:
        await io.close(response)
    finally:
        await reply.settle(io, end)


class Stream(_Events[T]):
    """Items of a streamed call as they come; iterate it to its end, or close it."""

    def __init__(self, call: Call, reply: Reply, *, strict: bool = False) -> None:
        super().__init__(call, reply, strict=strict)
        self._chunks = self.response.iter_bytes()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            while not self._closed:
                for event in self._batch:
                    if (item := self._item(event)) is not _HIDDEN:
                        return item
                    if self._done:
                        break
                if self._done or self._at_end:
                    finish(self._io.drain(self.response, self._chunks, _DRAIN_SECONDS))
                    finish(self._end(None))
                else:
                    self._advance(next(self._chunks, None))
        except BaseException as error:
            failure = self._failure(error)
            finish(self._end(failure))
            if failure is error:
                raise
            raise failure from error
        raise StopIteration

    def close(self) -> None:
        """Stop the stream and let go of its connection."""
        finish(self._end(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncStream(_Events[T]):
    """Items of a streamed call as they come; iterate it to its end, or close it."""

    def __init__(self, call: Call, reply: Reply, *, strict: bool = False) -> None:
        super().__init__(call, reply, strict=strict)
        self._chunks = self.response.aiter_bytes()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            while not self._closed:
                for event in self._batch:
                    if (item := self._item(event)) is not _HIDDEN:
                        return item
                    if self._done:
                        break
                if self._done or self._at_end:
                    await self._io.drain(self.response, self._chunks, _DRAIN_SECONDS)
                    await self._end(None)
                elif self._deadline is None:
                    self._advance(await anext(self._chunks, None))
                else:
                    self._advance(await self._io.within(self._deadline, anext(self._chunks, None)))
        except BaseException as error:
            failure = self._failure(error)
            await self._end(failure)
            if failure is error:
                raise
            raise failure from error
        raise StopAsyncIteration

    async def close(self) -> None:
        """Stop the stream and let go of its connection."""
        await self._end(None)

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
