"""The async side, on asyncio."""

import asyncio
import inspect
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .._exchange.answer import Answer
from .._exchange.call_request import CallRequest
from .._exchange.hurry import too_late_to_send
from . import endings
from .deadline import SETTLING_SECONDS, is_over, remaining
from .interface import Held, Waiter
from .task_limit import within

if TYPE_CHECKING:
    from .._exchange.sender import AsyncSender

T = TypeVar("T")


class AsyncIO:
    """Waits by suspending the task."""

    sync = False
    deadline: float | None = None

    def __init__(self, sender: "AsyncSender") -> None:
        self.sender = sender
        self.timeouts = sender.timeouts
        self.failures = sender.failures

    def until(self, deadline: float | None, /) -> Self:
        """Return what waits like this one; it is `within` that interrupts a task at its deadline."""
        if deadline == self.deadline:
            return self
        other: Self = object.__new__(type(self))
        other.sender, other.timeouts, other.failures = self.sender, self.timeouts, self.failures
        other.deadline = deadline
        return other

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Coroutine[Any, Any, Answer]:
        """Perform one exchange; the body is read unless *stream*."""
        if self.deadline is not None:
            if is_over(self.deadline):
                raise too_late_to_send(self.timeouts[0])
            request.until(self.deadline)
        return self.sender.exchange(request, stream=stream)

    async def read(self, answer: Answer, /) -> bytes:
        """Read the rest of a body."""
        return await answer.aread()

    async def close(self, answer: Answer, /) -> None:
        """Close an answer, read or not."""
        await answer.aclose()

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        await asyncio.sleep(seconds)

    async def call(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's and await what it returns, if it can be awaited."""
        result = function(*args)
        return await result if inspect.isawaitable(result) else result

    async def complete(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function and await what it returns, if it can be awaited."""
        result = function(*args)
        return await result if inspect.isawaitable(result) else result

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time()

    def waiter(self) -> Waiter:
        """Make something to wait for."""
        return _AsyncWaiter()

    async def wait(self, waiter: "_AsyncWaiter", timeout: float | None, /) -> bool:
        """Wait until *waiter* is opened, at most *timeout* seconds."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(waiter.opened)
        except TimeoutError:
            if is_over(self.deadline):
                raise
        return waiter.opened.done()

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function in a thread of *executor*."""
        working = asyncio.get_running_loop().run_in_executor(executor, function, *args)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            working.add_done_callback(_retrieve)
            raise

    async def gather(self, makers: Iterable[Callable[[], Coroutine[Any, Any, T]]], limit: int, /) -> list[T]:
        """Run coroutines in tasks that live as long as this call."""
        places = asyncio.Semaphore(limit)

        async def run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
            async with places:
                return await make()

        # Not a task group: that of Python 3.11 and 3.12 forgets a cancellation of the caller over an error.
        tasks = [asyncio.ensure_future(run(make)) for make in makers]
        if not tasks:
            return []
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        failures = [
            error for task in tasks if not task.cancelled() and (error := task.exception()) is not None
        ]
        if failures:
            raise failures[0]
        return [task.result() for task in tasks]

    def chunks(self, body: Any, /) -> AsyncIterator[bytes]:
        """Return an iterator over a body."""
        return aiter(body)

    async def chunk(self, chunks: AsyncIterator[bytes], /) -> bytes | None:
        """Wait for the next chunk."""
        return await anext(chunks, None)

    async def call_aside(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's in a thread and await what it returns, if it can be awaited."""
        result = await asyncio.to_thread(function, *args)
        return await result if inspect.isawaitable(result) else result

    def within(self, deadline: float, coroutine: Awaitable[T], /) -> Coroutine[Any, Any, T]:
        """Run *coroutine*; raise `TimeoutError` once the deadline has passed."""
        return within(deadline - time.monotonic(), coroutine, deadline)

    async def drain(self, answer: Answer, chunks: AsyncIterator[bytes], seconds: float, /) -> None:
        """Read the rest of a body, for at most so many seconds."""
        del answer
        try:
            async with asyncio.timeout(seconds):
                async for _ in chunks:
                    pass
        except TimeoutError:
            pass  # it is closed then, which is as good to the caller
        except self.failures:
            pass

    async def carry_through(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run *coroutine* in a task that cancellation of the caller does not reach."""
        task = endings.begin(coroutine)
        if self.deadline is None:
            await asyncio.shield(task)
            return
        await asyncio.wait([task], timeout=max(remaining(self.deadline), SETTLING_SECONDS))
        if task.done():
            task.result()

    async def ended(self) -> None:
        """Wait a bounded time for tasks that this loop carries through without a caller."""
        await endings.ended()

    def ender(self) -> Callable[[Coroutine[Any, Any, None]], None]:
        """Return a function that settles a stream on the running loop."""
        return partial(endings.begin_on, asyncio._get_running_loop())

    def lock(self) -> Any:
        """Make a lock between the tasks of a loop; those of other loops have another."""
        return _Locks()

    async def acquire(self, lock: "_Locks", /) -> Held:
        """Wait for the running loop's lock; return it."""
        held = lock.of_running_loop()
        await held.acquire()
        return held


class _Locks:
    """A lock for each loop: one of asyncio belongs to the loop in which it was first waited for."""

    def __init__(self) -> None:
        self._locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            weakref.WeakKeyDictionary()
        )

    def of_running_loop(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        lock = self._locks.get(loop)
        if lock is None:
            for other in list(self._locks):
                if other.is_closed():  # a lock that was waited for holds its loop
                    self._locks.pop(other, None)
            lock = self._locks.setdefault(loop, asyncio.Lock())
        return lock


class _AsyncWaiter:
    """A place in a queue that a task waits for."""

    __slots__ = ("_loop", "opened")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()

    def open(self) -> None:
        with suppress(RuntimeError):  # its loop is closed: no one waits any more
            self._loop.call_soon_threadsafe(_complete, self.opened)


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _retrieve(future: "asyncio.Future[Any]") -> None:
    """Look at the error of work that nobody waits for any more, so that the event loop does not report it."""
    if not future.cancelled():
        future.exception()
