"""The sync side: written with `async def`, but never suspending.

So `finish` runs any coroutine built on it in a single step, with no event loop.
"""

import inspect
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from .._exchange.answer import Answer
from .._exchange.call_request import CallRequest
from .._exchange.hurry import too_late_to_send
from .._fork import PerProcess
from ..errors import PolicyError
from . import collecting
from .deadline import SETTLING_SECONDS, is_over, limited, remaining
from .interface import Held, Waiter

if TYPE_CHECKING:
    from .._exchange.sender import Sender

T = TypeVar("T")


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* to its end on this thread; it must not suspend.

    Raises:
        PolicyError: It does, which only a policy of the application can bring about.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise PolicyError(
        "A policy waited for something that the sync client cannot wait for: policies wait through `call.io` only."
    )


def _end(ending: Coroutine[Any, Any, None]) -> None:
    collecting.see_to(partial(finish, ending))


def in_event_loop() -> bool:
    """Return whether an event loop runs on this thread; none does if asyncio was never imported."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running is not None and running() is not None


def _run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return finish(make())


class SyncIO:
    """Waits by blocking the thread."""

    sync = True
    deadline: float | None = None

    def __init__(self, sender: "Sender") -> None:
        self.sender = sender
        self.timeouts = sender.timeouts
        self.failures = sender.failures

    def until(self, deadline: float | None, /) -> Self:
        """Return what waits like this one, and not beyond a deadline."""
        if deadline == self.deadline:
            return self
        other: Self = object.__new__(type(self))
        other.sender, other.timeouts, other.failures = self.sender, self.timeouts, self.failures
        other.deadline = deadline
        return other

    def _at_most(self, seconds: float | None) -> float | None:
        """Return a timeout limited by the deadline and by what the operating system accepts."""
        if seconds is not None:
            seconds = min(seconds, threading.TIMEOUT_MAX)
        if self.deadline is None:
            return seconds
        left = min(remaining(self.deadline), threading.TIMEOUT_MAX)
        return left if seconds is None else min(seconds, left)

    def _check(self) -> None:
        if is_over(self.deadline):
            raise TimeoutError("The deadline has passed.")

    async def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        if self.deadline is not None:
            if is_over(self.deadline):
                raise too_late_to_send(self.timeouts[0])
            request.until(self.deadline)
        return self.sender.exchange(request, stream=stream)

    async def read(self, answer: Answer, /) -> bytes:
        """Read the rest of a body."""
        return answer.read()

    async def close(self, answer: Answer, /) -> None:
        """Close an answer, read or not."""
        answer.close()

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        time.sleep(self._at_most(seconds) or 0.0)
        self._check()

    async def call(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's."""
        return function(*args)

    async def complete(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function; a coroutine runs to its end on a loop and thread of its own."""
        result = function(*args)
        if not inspect.isawaitable(result):
            return result
        import asyncio  # noqa: PLC0415 - whoever made the coroutine has loaded it

        aside = ThreadPoolExecutor(1)
        try:
            run = aside.submit(copy_context().run, asyncio.run, _see_through(result))
            return run.result(self._patience())
        finally:
            aside.shutdown(wait=False)

    def _patience(self) -> float | None:
        """Return the seconds to wait for what goes on by itself: a few moments where the deadline has passed."""
        return None if self.deadline is None else max(self._at_most(None) or 0.0, SETTLING_SECONDS)

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time()

    def waiter(self) -> Waiter:
        """Make something to wait for."""
        return _SyncWaiter()

    async def wait(self, waiter: "_SyncWaiter", timeout: float | None, /) -> bool:
        """Wait until *waiter* is opened, at most *timeout* seconds."""
        if not waiter.opened.wait(self._at_most(timeout)):
            self._check()
            return False
        return True

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function on this thread."""
        del executor
        if self.deadline is None:
            return function(*args)
        with limited(self.deadline):
            return function(*args)

    async def gather(self, makers: Iterable[Callable[[], Coroutine[Any, Any, T]]], limit: int, /) -> list[T]:
        """Run coroutines in threads that live as long as this call."""
        executor = ThreadPoolExecutor(limit, thread_name_prefix="ai-client")
        try:
            runs = [executor.submit(copy_context().run, _run, make) for make in makers]
            done, _ = wait(runs, return_when=FIRST_EXCEPTION)
            for run in done:
                run.result()  # raises the error that ended the waiting
            return [run.result() for run in runs]
        finally:
            executor.shutdown(cancel_futures=True)

    def chunks(self, body: Any, /) -> Iterator[bytes]:
        """Return an iterator over a body."""
        return iter(body)

    async def chunk(self, chunks: Iterator[bytes], /) -> bytes | None:
        """Wait for the next chunk."""
        return next(chunks, None)

    call_aside = call

    async def within(self, deadline: float, coroutine: Awaitable[T], /) -> T:
        """Run *coroutine*; nothing can interrupt this thread, so that each step has to mind the deadline."""
        del deadline
        return await coroutine

    async def drain(self, answer: Answer, chunks: Iterator[bytes], seconds: float, /) -> None:
        """Read the rest of a body, for at most so many seconds."""
        end = time.monotonic() + seconds
        if not answer.hurry(end, self.timeouts[0]):
            return
        with suppress(*self.failures):
            while not is_over(end) and next(chunks, None) is not None:
                pass

    async def carry_through(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run *coroutine* to its end."""
        await coroutine

    async def ended(self) -> None:
        """Return at once: sync callers wait for what they begin."""

    def ender(self) -> Callable[[Coroutine[Any, Any, None]], None]:
        """Return a function that settles a stream: on the calling thread, unless the garbage collector runs there."""
        collecting.watch()
        return _end

    def lock(self) -> Any:
        """Make a lock between threads."""
        return PerProcess(threading.Lock)

    async def acquire(self, lock: PerProcess[threading.Lock], /) -> Held:
        """Wait for the lock, until the deadline; return it.

        Raises:
            TimeoutError: The deadline has passed.
        """
        held, timeout = lock(), self._at_most(None)
        if not held.acquire(timeout=-1.0 if timeout is None else timeout):
            raise TimeoutError("The deadline has passed.")
        return held


class _SyncWaiter:
    """A place in a queue that a thread waits for."""

    __slots__ = ("opened",)

    def __init__(self) -> None:
        self.opened = threading.Event()

    def open(self) -> None:
        self.opened.set()


async def _see_through(awaitable: Awaitable[T]) -> T:
    return await awaitable
