"""Streams of typed items, sync and async over one shared state."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, get_origin

from .._call.call import Call, Reply, StreamEnd
from .._exchange.answer import Answer
from .._io import finish
from .._io.deadline import is_over
from .._libraries import httpx
from ..errors import StreamInterruptedError, StreamStateError, StreamTimeoutError
from .items import Items

if TYPE_CHECKING:
    from .._io import IO

T = TypeVar("T")
_DRAIN_SECONDS = 0.1
_IN_USE = frozenset(
    {
        "generator already executing",
        "anext(): asynchronous generator is already running",
    }
)
"""Python's message when a generator that is running is asked for another item."""


class _Base(Generic[T]):
    """State shared by the sync and the async stream, with its errors and its settlement.

    Attributes:
        left_early: Whether it was closed, or failed, before its end.
    """

    _closed = True  # until it is whole, for `__del__`

    def __init__(self, call: Call, reply: Reply, *, strict: bool = False) -> None:
        self._answer = reply.answer
        self._io: IO = call.io.until(reply.deadline)
        self._reply = reply
        self._call_record = call.record
        self._items = Items[T](call, reply, strict=strict)
        self._batch: Iterator[T] = iter(())
        self._at_end = False  # the body has no more bytes
        self.left_early = False
        self._deadline = reply.deadline
        self._ender = self._io.ender()
        self._process = os.getpid()
        self._closed = False

    @property
    def response(self) -> "httpx.Response":
        """The HTTP response below."""
        return self._answer.response

    def __del__(self) -> None:
        if not self._closed and self._process == os.getpid():  # else it is a parent's to end
            self._closed = True
            end = StreamEnd(None, complete=False)
            with suppress(Exception):  # a finalizer has no caller to report to
                self._ender(_close(self._io, self._answer, self._reply, end))

    def _advance(self, chunk: bytes | None) -> None:
        """Feed the next bytes of the body, `None` at its end."""
        self._at_end = chunk is None
        self._batch = self._items.read(chunk)

    def _check_alone(self, error: BaseException) -> None:
        """Raise if another task or thread is reading the stream."""
        if isinstance(error, ValueError | RuntimeError) and str(error) in _IN_USE:
            raise StreamStateError(
                "Another thread or task waits for the next item of this stream: read it in one place."
            ) from error

    def _failure(self, error: BaseException) -> BaseException:
        """Return the exception to raise for a failure in the middle of the stream."""
        if isinstance(error, self._io.failures) or (
            isinstance(error, TimeoutError) and is_over(self._deadline)
        ):
            return self._broken(error)
        return error

    def _broken(self, error: BaseException) -> StreamInterruptedError:
        count = self._items.count
        kind: type[StreamInterruptedError]
        if is_over(self._deadline):
            kind, what = StreamTimeoutError, "was not over when the call's deadline came,"
        elif isinstance(error, self._io.timeouts):
            kind, what = StreamTimeoutError, "fell silent for longer than the read timeout"
        else:
            kind, what = StreamInterruptedError, f"broke off ({type(error).__name__})"
        return kind(
            f"The stream {what} after {count} items; they are in this error's `received`.",
            self._answer.request,
            received=self._items.so_far(),
        )

    def _is_over(self) -> bool:
        return self._items.done or (self._at_end and self._items.ended)

    async def _end(self, error: BaseException | None) -> None:
        """Close the response and settle the call, once."""
        if self._closed:
            return
        self._closed = True
        self._batch = iter(())
        try:
            is_over = error is None and self._is_over()
            if is_over:
                error = self._items.last_word()
            end = StreamEnd(error, complete=is_over and error is None)
            self.left_early = not end.complete
            await _close(self._io, self._answer, self._reply, end)
        except (KeyboardInterrupt, SystemExit):
            self._closed = False  # not all may be settled: whoever closes or drops the stream sees to it
            raise


async def _close(io: "IO", answer: Answer, reply: Reply, end: StreamEnd) -> None:
    try:
        await io.close(answer)
    finally:
        await reply.settle(io, end)


class Stream(_Base[T]):
    """Items of a streamed call as they come; iterate it to its end, or close it."""

    def __init__(self, call: Call, reply: Reply, *, strict: bool = False) -> None:
        super().__init__(call, reply, strict=strict)
        self._chunks = self._answer.pieces()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            while not self._closed:
                for item in self._batch:
                    return item
                if self._items.done or self._at_end:
                    self._items.check_ended()
                    finish(self._io.drain(self._answer, self._chunks, _DRAIN_SECONDS))
                    finish(self._end(None))
                else:
                    self._advance(next(self._chunks, None))
        except BaseException as error:
            self._check_alone(error)
            failure = self._failure(error)
            finish(self._end(failure))
            if failure is error:
                raise
            raise failure from error
        raise StopIteration

    def close(self) -> None:
        """Close the stream and release its connection."""
        finish(self._end(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncStream(_Base[T]):
    """Items of a streamed call as they come; iterate it to its end, or close it."""

    def __init__(self, call: Call, reply: Reply, *, strict: bool = False) -> None:
        super().__init__(call, reply, strict=strict)
        self._chunks = self._answer.apieces()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            while not self._closed:
                for item in self._batch:
                    return item
                if self._items.done or self._at_end:
                    self._items.check_ended()
                    await self._io.drain(self._answer, self._chunks, _DRAIN_SECONDS)
                    await self._end(None)
                elif self._deadline is None:
                    self._advance(await anext(self._chunks, None))
                else:
                    self._advance(await self._io.within(self._deadline, anext(self._chunks, None)))
        except BaseException as error:
            self._check_alone(error)
            failure = self._failure(error)
            await self._end(failure)
            if failure is error:
                raise
            raise failure from error
        raise StopAsyncIteration

    async def close(self) -> None:
        """Close the stream and release its connection."""
        await self._end(None)

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def stream_class(wanted: Any, *, sync: bool) -> Any:
    """Return the class of a stream that a caller named, `None` for the client's own.

    The official SDK's own `Stream` and `AsyncStream` stand for the client's.

    Raises:
        TypeError: It is no class of streams of this client.
    """
    cls = get_origin(wanted) or wanted
    own: type[Any] = Stream if sync else AsyncStream
    if cls is None or (isinstance(cls, type) and issubclass(cls, own)):
        return cls
    if getattr(cls, "__module__", "").partition(".")[0] == "openai" and cls.__name__ == own.__name__:
        return None
    raise TypeError(f"The class of a stream must be {own.__name__}, or derive from it, not {wanted!r}.")
