"""The blocking side: written with `async def`, but never suspending.

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
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .._bounds import read
from ..control.deadline import hurried, is_over, watch
from .interface import Waiter

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import httpx

    from .._exchange import Sender

T = TypeVar("T")


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* to its end on this thread; it must not suspend."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} suspended in a blocking client")


def in_event_loop() -> bool:
    """Tell whether an event loop runs on this thread; none does where asyncio was never imported."""
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running is not None and running() is not None


def _run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return finish(make())


class BlockingIO:
    """Waits by blocking the thread."""

    blocking = True

    def __init__(self, sender: "Sender") -> None:
        self.sender = sender
        self.timeouts = sender.timeouts
        self.failures = sender.failures

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        return self.sender.send(request, stream=stream)

    async def read(self, response: "httpx.Response", /) -> bytes:
        """Read the rest of a body."""
        return read(response)

    async def close(self, response: "httpx.Response", /) -> None:
        """Let go of an answer, read or not."""
        response.close()

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        time.sleep(seconds)

    async def call(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's."""
        return function(*args)

    async def complete(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function; a coroutine runs to its end on a loop and thread of its own."""
        result = function(*args)
        if not inspect.isawaitable(result):
            return result
        import asyncio  # noqa: PLC0415 - whoever made the coroutine has loaded it

        with ThreadPoolExecutor(1) as aside:
            return aside.submit(copy_context().run, asyncio.run, _see_through(result)).result()

    def now(self) -> float:
        """Give the time in seconds since 1970."""
        return time.time()

    def waiter(self) -> Waiter:
        """Make something to wait for."""
        return _BlockingWaiter()

    async def wait(self, waiter: "_BlockingWaiter", timeout: float | None, /) -> bool:
        """Wait until *waiter* is opened, at most *timeout* seconds."""
        return waiter.opened.wait(timeout)

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function on this thread."""
        del executor
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
        """Give the iterator over a body."""
        return iter(body)

    async def chunk(self, chunks: Iterator[bytes], /) -> bytes | None:
        """Wait for the next chunk."""
        return next(chunks, None)

    call_aside = call

    async def within(self, deadline: float, coroutine: Awaitable[T], /) -> T:
        """Run *coroutine*; nothing can interrupt this thread, so that each step has to mind the deadline."""
        del deadline
        return await coroutine

    def watch(self, response: "httpx.Response", deadline: float, /) -> None:
        """Make reading the body fail once the deadline has passed."""
        watch(response, deadline, self.timeouts[0])

    async def drain(self, response: "httpx.Response", chunks: Iterator[bytes], seconds: float, /) -> None:
        """Read what is left of a body, for so many seconds at most."""
        end = time.monotonic() + seconds
        connection = response.extensions.get("network_stream")
        with hurried(connection, end) as hurries, suppress(*self.failures):
            while hurries and not is_over(end) and next(chunks, None) is not None:
                pass

    async def carry_through(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run *coroutine* to its end."""
        await coroutine

    async def ended(self) -> None:
        """Return at once: whoever began something here has waited for it."""

    def ender(self) -> "Callable[[Coroutine[Any, Any, None]], None]":
        """Give what runs the end of a stream, on whatever thread finds it."""
        return finish

    def lock(self) -> "AbstractAsyncContextManager[Any]":
        """Make a lock between threads."""
        return _ThreadLock()


class _BlockingWaiter:
    """A place in a queue that a thread waits for."""

    __slots__ = ("opened",)

    def __init__(self) -> None:
        self.opened = threading.Event()

    def open(self) -> None:
        self.opened.set()


class _ThreadLock:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *exc: object) -> None:
        self._lock.release()


async def _see_through(awaitable: Awaitable[T]) -> T:
    return await awaitable
