"""Bodies on their way to a reader of an HTTP library, counted and settled as those of a client."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from .._call.call import Call, Reply, StreamEnd
from .._io import finish
from .._io.deadline import is_over
from ..errors import StreamInterruptedError, StreamTimeoutError
from .events import PassedEvents

_DRAIN_SECONDS = 0.1


class _PassedBody:
    """A body of an answer that somebody reads piece by piece, as the HTTP library's stream; iterating it again goes on.

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

    @property
    def _is_over(self) -> bool:
        events = self._events
        return self._closed or self._at_end or (events is not None and events.done)

    def _raise_pending(self) -> None:
        """Raise the failure of a policy that waited for the reader to have the events before it."""
        if self._events is not None and self._events.failure is not None:
            raise self._events.failure

    def _passed(self, chunk: bytes | None) -> bytes:
        """Return what the reader may have, once a chunk, or `None` for the end, has come."""
        self._at_end = chunk is None
        events = self._events
        if chunk is None:
            return b"" if events is None else events.flush()
        return chunk if events is None else events.pass_on(chunk)

    def _shown(self, failure: BaseException, error: BaseException) -> BaseException:
        """Return what the reader gets for a failure, with what led to it."""
        made = self._failed(failure)
        if made is not failure:
            made.__cause__ = failure
        if failure is not error:
            failure.__cause__ = error
        return made

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
        end = StreamEnd(error, complete=over and error is None)
        try:
            try:
                if end.complete and not self._at_end:
                    await self._drain()
            finally:
                await self._settle(end)
        except (KeyboardInterrupt, SystemExit):
            self._closed = False  # not all may be settled: whoever closes or drops the body sees to it
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

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            while not self._is_over:
                self._raise_pending()
                if self._chunks is None:
                    answer = self._answer
                    self._chunks = iter(answer.body) if self._events is None else answer.pieces()
                if piece := self._passed(next(self._chunks, None)):
                    return piece
        except BaseException as error:
            failure = self._failure(error)
            finish(self._end(failure))
            if (made := self._shown(failure, error)) is error:
                raise
            raise made from made.__cause__
        finish(self._end(None))
        raise StopIteration

    def close(self) -> None:
        """Close the answer and release its connection."""
        finish(self._end(None))


class AsyncPassedBody(_PassedBody):
    """The body of an answer for an async client of an HTTP library."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            while not self._is_over:
                self._raise_pending()
                if self._chunks is None:
                    answer = self._answer
                    self._chunks = aiter(answer.body) if self._events is None else answer.apieces()
                following: Any = anext(self._chunks, None)
                if self._deadline is not None:
                    following = self._io.within(self._deadline, following)
                if piece := self._passed(await following):
                    return piece
        except BaseException as error:
            failure = self._failure(error)
            await self._end(failure)
            if (made := self._shown(failure, error)) is error:
                raise
            raise made from made.__cause__
        await self._end(None)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the answer and release its connection."""
        await self._end(None)
