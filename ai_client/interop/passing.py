"""Bodies on their way to a reader of an HTTP library, counted and settled as those of a client."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from .._call.call import Call, Reply, StreamEnd
from .._io import finish
from .._io.deadline import is_over
from ..errors import StreamInterruptedError, StreamTimeoutError
from .events import PassedEvents

_DRAIN_SECONDS = 0.1


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
            made = self._shown(failure, error)
            if made is error:
                raise
            raise made  # noqa: B904 - it knows its cause
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
            made = self._shown(failure, error)
            if made is error:
                raise
            raise made  # noqa: B904 - it knows its cause
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
