"""Bodies on their way to a reader of an HTTP library, counted and settled as those of a client."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from pydantic_core import from_json

from .._answers.sse import SSEDecoder
from .._call.call import Call, Reply, StreamEnd
from .._call.stream_ends import DONE, ends_of, is_whole, type_of
from .._io import finish
from .._io.deadline import is_over
from ..errors import (
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTooLargeError,
    members_of,
)

_DRAIN_SECONDS = 0.1


class PassedEvents:
    """The events of a stream: shown to the policies, and passed on as they came.

    Attributes:
        done: Whether the server said that there are no more.
        error: What the server reported in place of an event.
    """

    def __init__(self, call: Call, reply: Reply) -> None:
        self.done = False
        self.error: StreamError | None = None
        self._answer = reply.answer
        self._bounds = self._answer.bounds
        self._on_event = reply.on_event
        self._decoder = SSEDecoder(self._bounds.event)
        self._ends = ends_of(call.path)
        self._asked = call.body
        self._believed = reply.stream_end == "optional"
        self._seen: list[bytes] = []
        self._tail = b""
        self._size = 0

    def pass_on(self, chunk: bytes) -> bytes:
        """Return what the reader may have, once *chunk* has come.

        Raises:
            StreamTooLargeError: The stream, or one event of it, is larger than may be held in memory.
        """
        self._size += len(chunk)
        events = self._decoder.feed(chunk)
        shown = [self._see(data) for data, _ in events]
        if self._decoder.overflown or self._size > self._bounds.response:
            raise StreamTooLargeError(
                "The stream is larger than may be held in memory.", self._answer.response
            )
        if not self._on_event:
            return chunk
        return self._cut(chunk, events, shown)

    def _cut(self, chunk: bytes, events: list[Any], shown: list[bool]) -> bytes:
        """Return the whole events, for what is begun may have to be hidden."""
        head, mark, rest = (self._tail + chunk).rpartition(b"\n\n")
        if b"\r" not in head + rest and all(shown):
            self._tail = rest
            return head + mark
        self._tail = rest if b"\r" not in rest else b""
        return b"".join(
            _encoded(data, name) for (data, name), show in zip(events, shown, strict=True) if show
        )

    def flush(self) -> bytes:
        """Return what is left for the reader at the end of the body.

        Raises:
            StreamInterruptedError: What came may be half an answer.
        """
        for data, _ in self._decoder.flush():
            self._see(data)
        if not self.ended:
            raise StreamInterruptedError(
                f"The stream ended after {len(self._seen)} events without {self._ends.marks}: it may be cut off."
                " Where the server sends no end mark, set stream_end='optional'.",
                self._answer.request,
            )
        rest, self._tail = self._tail, b""
        return rest

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
        shown = True
        for see in self._on_event:
            if see(data) is False:
                shown = False
        if self._ends.last and type_of(data) in self._ends.last:
            self.done = True
        return shown

    def _error_in(self, data: bytes) -> StreamError | None:
        try:
            members = members_of(from_json(data))
        except ValueError:
            return None
        error = members.get("error") or (members if members.get("type") == "error" else None)
        if not error:
            return None
        said = members_of(error).get("message")
        message = said if isinstance(said, str) and said else "The server ended the stream with an error."
        return StreamError(message, self._answer.request, body=error)


def _encoded(data: bytes, name: bytes | None) -> bytes:
    lines = b"".join(b"data: %b\n" % line for line in data.split(b"\n"))
    return (b"event: %b\n" % name if name else b"") + lines + b"\n"


class _PassedBody:
    """A body of an answer that somebody reads piece by piece, as the HTTP library's stream.

    Args:
        call: The call that it answers.
        reply: The answer.
        failed: Makes what is raised of an error of ours.
    """

    _closed = True

    def __init__(self, call: Call, reply: Reply, failed: Callable[[BaseException], BaseException]) -> None:
        self._io = call.io.until(reply.deadline)
        self._reply = reply
        self._answer = reply.answer
        self._deadline = reply.deadline
        self._failed = failed
        self._events = None if call.stream is None else PassedEvents(call, reply)
        self._at_end = False
        self._chunks: Any = None
        self._ender = self._io.ender()
        self._process = os.getpid()
        self._closed = False

    def __del__(self) -> None:
        if not self._closed and self._process == os.getpid():
            self._closed = True
            with suppress(Exception):  # a finalizer has no caller to report to
                self._ender(self._settle(StreamEnd(None, complete=False)))

    def _failure(self, error: BaseException) -> BaseException:
        """Return the error of ours for a failure in the middle of the body."""
        late = is_over(self._deadline)
        if not (isinstance(error, self._io.failures) or (isinstance(error, TimeoutError) and late)):
            return error
        request = self._answer.request
        if late:
            return StreamTimeoutError("The answer was not over when the call's deadline came.", request)
        if isinstance(error, self._io.timeouts):
            return StreamTimeoutError("The answer fell silent for longer than the read timeout.", request)
        return StreamInterruptedError(f"The answer broke off ({type(error).__name__}).", request)

    async def _end(self, error: BaseException | None) -> None:
        """Close the answer and settle the call, once."""
        if self._closed:
            return
        self._closed = True
        events = self._events
        if error is None and events is not None:
            error = events.error
        over = self._at_end or (events is not None and events.done)
        try:
            if over and not self._at_end and error is None:
                await self._drain()
            await self._settle(StreamEnd(error, complete=over and error is None))
        except (KeyboardInterrupt, SystemExit):
            self._closed = False
            raise

    async def _drain(self) -> None:
        """Read what follows the end mark, so that the connection can be used again."""
        with suppress(RuntimeError, ValueError):  # somebody waits for the next piece at this moment
            await self._io.drain(self._answer, self._chunks, _DRAIN_SECONDS)

    async def _settle(self, end: StreamEnd) -> None:
        try:
            await self._io.close(self._answer)
        finally:
            await self._reply.settle(self._io, end)


class SyncPassedBody(_PassedBody):
    """The body of an answer for a sync client of an HTTP library."""

    def __iter__(self) -> Iterator[bytes]:
        events = self._events
        try:
            self._chunks = iter(self._answer.body) if events is None else self._answer.pieces()
            for chunk in self._chunks:
                piece = chunk if events is None else events.pass_on(chunk)
                if piece:
                    yield piece
                if events is not None and events.done:
                    break
            else:
                self._at_end = True
            if events is not None and (rest := events.flush()):
                yield rest
        except GeneratorExit:
            raise
        except BaseException as error:
            failure = self._failure(error)
            finish(self._end(failure))
            raise self._failed(failure) from error
        finish(self._end(None))

    def close(self) -> None:
        """Close the answer and release its connection."""
        finish(self._end(None))


class AsyncPassedBody(_PassedBody):
    """The body of an answer for an async client of an HTTP library."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        events = self._events
        try:
            self._chunks = aiter(self._answer.body) if events is None else self._answer.apieces()
            while (chunk := await self._next()) is not None:
                piece = chunk if events is None else events.pass_on(chunk)
                if piece:
                    yield piece
                if events is not None and events.done:
                    break
            else:
                self._at_end = True
            if events is not None and (rest := events.flush()):
                yield rest
        except GeneratorExit:
            raise
        except BaseException as error:
            failure = self._failure(error)
            await self._end(failure)
            raise self._failed(failure) from error
        await self._end(None)

    async def _next(self) -> bytes | None:
        following: Any = anext(self._chunks, None)
        found: bytes | None = await (
            following if self._deadline is None else self._io.within(self._deadline, following)
        )
        return found

    async def aclose(self) -> None:
        """Close the answer and release its connection."""
        await self._end(None)
