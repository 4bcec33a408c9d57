"""How what is known in a store is read and changed outside of calls: within a bound in time, sync or async."""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from ..errors import OpenAIError, StoreError
from .async_io import AsyncIO
from .deadline import limited, remaining
from .sync_io import SyncIO, finish

T = TypeVar("T")


def read(make: "Callable[[Any], Coroutine[Any, Any, T]]", seconds: float) -> T:
    """Return the result of what *make* makes; block this thread for so many seconds at most.

    Raises:
        StoreError: There was no result in time, or it failed with an error that is none of this package's.
    """
    try:
        return finish(make(SyncReading(time.monotonic() + seconds)))
    except OpenAIError:
        raise
    except Exception as error:
        raise _failure(error, seconds) from error


async def aread(make: "Callable[[Any], Coroutine[Any, Any, T]]", seconds: float) -> T:
    """Return the result of what *make* makes; wait for so many seconds at most, and never block the event loop.

    Raises:
        StoreError: There was no result in time, or it failed with an error that is none of this package's.
    """
    io = AsyncReading(end := time.monotonic() + seconds)
    try:
        return await io.within(end, make(io))
    except OpenAIError:
        raise
    except Exception as error:
        raise _failure(error, seconds) from error


def _failure(error: Exception, seconds: float) -> StoreError:
    if isinstance(error, TimeoutError):
        return StoreError(f"The store did not answer within {seconds:g} s.")
    return StoreError(f"The store failed ({type(error).__name__}).")


class _Senderless:
    """In place of a sender, where nothing is sent."""

    timeouts: tuple[type[Exception], ...] = ()
    failures: tuple[type[Exception], ...] = ()


class SyncReading(SyncIO):
    """Waits by blocking the thread, until a deadline.

    Work that blocks runs in a thread of its executor, so that a backend that hangs keeps no caller; at the end of the
    interpreter, where none can be had, on this one.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__(_Senderless())  # type: ignore[arg-type]  # no exchange goes through it
        self.deadline = self._end = deadline

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function that blocks; raise `TimeoutError` once the deadline has passed."""
        try:
            working = executor.submit(_in_time, self._end, function, *args)
        except RuntimeError:
            return _in_time(self._end, function, *args)
        return working.result(remaining(self._end))


class AsyncReading(AsyncIO):
    """Waits by suspending the task, until a deadline."""

    def __init__(self, deadline: float) -> None:
        super().__init__(_Senderless())  # type: ignore[arg-type]  # no exchange goes through it
        self.deadline = self._end = deadline

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function that blocks in a thread of *executor*."""
        return await super().work(executor, _in_time, self._end, function, *args)


def _in_time(deadline: float, function: Callable[..., T], *args: Any) -> T:
    with limited(deadline):
        return function(*args)


async def aside(io: Any, function: Callable[..., T], *args: Any) -> T:
    """Return the result of a function that computes for long; the async side does so in a thread."""
    if io.sync:
        return function(*args)
    return await asyncio.to_thread(function, *args)


def complete(function: Callable[..., Any], seconds: float, *args: Any) -> Any:
    """Call a function or coroutine function of the user's in this thread, in which no event loop runs.

    A coroutine gets an event loop of its own, and so many seconds.

    Raises:
        TimeoutError: It did not end in time.
    """
    result = function(*args)
    if not inspect.isawaitable(result):
        return result

    async def bounded() -> Any:
        async with asyncio.timeout(seconds):
            return await result

    return asyncio.run(bounded())
