"""The seam: one interface with a blocking and an awaitable side, the only waiting in the house.

The blocking side is written with `async def` but never suspends, so `finish` runs any coroutine built on it in a
single step, with no event loop.
"""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .control.deadline import hurried, is_over, remaining, watch

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import httpx

    from ._exchange import AsyncSender, Sender

T = TypeVar("T")


class Waiter(Protocol):
    """A place in a queue: one caller waits for it with `IO.wait`, anyone opens it, from any thread or loop."""

    def open(self) -> None:
        """Let the caller go on; opening twice is harmless."""
        ...


class IO(Protocol):
    """What shared code may wait for."""

    blocking: bool
    timeouts: tuple[type[Exception], ...]
    """What the HTTP library raises when time runs out."""
    failures: tuple[type[Exception], ...]
    """What it raises when an exchange fails, timeouts included."""

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        ...

    async def read(self, response: "httpx.Response", /) -> bytes:
        """Read the rest of a body."""
        ...

    async def close(self, response: "httpx.Response", /) -> None:
        """Let go of an answer, read or not."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        ...

    async def call(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's; the awaitable side also awaits what it returns."""
        ...

    async def complete(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function or coroutine function of the user's, on either side, and see it through."""
        ...

    def now(self) -> float:
        """Give the time in seconds since 1970, which every process of a service shares."""
        ...

    def waiter(self) -> Waiter:
        """Make something to wait for."""
        ...

    async def wait(self, waiter: Any, timeout: float | None, /) -> bool:
        """Wait until *waiter* is opened, at most *timeout* seconds; tell whether it was."""
        ...

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function that blocks; what was begun is carried through, even where its caller is cancelled."""
        ...

    async def gather(self, makers: Iterable[Callable[[], Coroutine[Any, Any, T]]], limit: int, /) -> list[T]:
        """Run the coroutines that *makers* make, at most *limit* at a time; the first error ends them all."""
        ...

    def chunks(self, body: Any, /) -> Any:
        """Give the iterator over the raw chunks of a body, for `chunk`."""
        ...

    async def chunk(self, chunks: Any, /) -> bytes | None:
        """Wait for the next raw chunk of a body, `None` at its end."""
        ...

    async def call_aside(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's that may block; the awaitable side does so in a thread."""
        ...

    async def within(self, deadline: float, coroutine: Awaitable[T], /) -> T:
        """Run *coroutine*; the awaitable side raises `TimeoutError` once the deadline has passed."""
        ...

    def watch(self, response: "httpx.Response", deadline: float, /) -> None:
        """Make reading the body fail once the deadline has passed, where `within` does not see to it."""
        ...

    async def drain(self, response: "httpx.Response", chunks: Any, seconds: float, /) -> None:
        """Read what little may be left of a body, so that its connection can be used again."""
        ...

    async def carry_through(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run *coroutine* to its end, also where its caller is cancelled and goes on without it."""
        ...

    async def ended(self) -> None:
        """Wait a while for what `carry_through` and `ender` began and nobody waits for."""
        ...

    def ender(self) -> "Callable[[Coroutine[Any, Any, None]], None]":
        """Give what runs the end of a stream that nobody holds any more, from any thread and at any time."""
        ...

    def lock(self) -> "AbstractAsyncContextManager[Any]":
        """Make a lock that this side's callers may wait for."""
        ...


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
        return response.read()

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


class _ThreadLock:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *exc: object) -> None:
        self._lock.release()


class AsyncIO:
    """Waits by suspending the task."""

    blocking = False

    def __init__(self, sender: "AsyncSender") -> None:
        self.sender = sender
        self.timeouts = sender.timeouts
        self.failures = sender.failures

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        return await self.sender.send(request, stream=stream)

    async def read(self, response: "httpx.Response", /) -> bytes:
        """Read the rest of a body."""
        return await response.aread()

    async def close(self, response: "httpx.Response", /) -> None:
        """Let go of an answer, read or not."""
        await response.aclose()

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
        """Give the time in seconds since 1970."""
        return time.time()

    def waiter(self) -> Waiter:
        """Make something to wait for."""
        return _AwaitableWaiter()

    async def wait(self, waiter: "_AwaitableWaiter", timeout: float | None, /) -> bool:
        """Wait until *waiter* is opened, at most *timeout* seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiter.opened), timeout)
        return waiter.opened.done()

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function in a thread of *executor*."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(executor, function, *args))

    async def gather(self, makers: Iterable[Callable[[], Coroutine[Any, Any, T]]], limit: int, /) -> list[T]:
        """Run coroutines in tasks that live as long as this call."""
        places = asyncio.Semaphore(limit)

        async def run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
            async with places:
                return await make()

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(make)) for make in makers]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    def chunks(self, body: Any, /) -> AsyncIterator[bytes]:
        """Give the iterator over a body."""
        return aiter(body)

    async def chunk(self, chunks: AsyncIterator[bytes], /) -> bytes | None:
        """Wait for the next chunk."""
        return await anext(chunks, None)

    async def call_aside(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's in a thread and await what it returns, if it can be awaited."""
        result = await asyncio.to_thread(function, *args)
        return await result if inspect.isawaitable(result) else result

    async def within(self, deadline: float, coroutine: Awaitable[T], /) -> T:
        """Run *coroutine*; raise `TimeoutError` once the deadline has passed."""
        async with asyncio.timeout(remaining(deadline)):
            return await coroutine

    def watch(self, response: "httpx.Response", deadline: float, /) -> None:
        """Leave it to `within`, which interrupts a read."""

    async def drain(
        self, response: "httpx.Response", chunks: AsyncIterator[bytes], seconds: float, /
    ) -> None:
        """Read what is left of a body, for so many seconds at most."""
        del response
        try:
            async with asyncio.timeout(seconds):
                async for _ in chunks:
                    pass
        except TimeoutError:
            pass  # it is closed then, which is as good to the caller
        except self.failures:
            pass

    async def carry_through(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run *coroutine* in a task of its own, which no cancellation of the caller reaches."""
        await asyncio.shield(_begin(coroutine))

    async def ended(self) -> None:
        """Wait a while for what was begun on this loop and nobody waits for."""
        loop = asyncio.get_running_loop()
        ending = [task for task in _ending if task.get_loop() is loop]
        if ending:
            await asyncio.wait(ending, timeout=_ENDING_SECONDS)

    def ender(self) -> "Callable[[Coroutine[Any, Any, None]], None]":
        """Give what runs the end of a stream, on the loop that runs now."""
        return partial(_end_on, asyncio._get_running_loop())

    def lock(self) -> "AbstractAsyncContextManager[Any]":
        """Make a lock between tasks."""
        return asyncio.Lock()


async def _see_through(awaitable: Awaitable[T]) -> T:
    return await awaitable


_ENDING_SECONDS = 5.0
_ending: "set[asyncio.Task[None]]" = set()


def _begin(ending: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(ending)
    _ending.add(task)  # the loop itself holds tasks but weakly
    task.add_done_callback(_ending.discard)
    return task


def _end_on(loop: asyncio.AbstractEventLoop | None, ending: Coroutine[Any, Any, None]) -> None:
    if loop is None or loop.is_closed():
        ending.close()  # with the loop its connections went too
        return
    try:
        loop.call_soon_threadsafe(_begin, ending)
    except RuntimeError:
        ending.close()


class _BlockingWaiter:
    """A place in a queue that a thread waits for."""

    __slots__ = ("opened",)

    def __init__(self) -> None:
        self.opened = threading.Event()

    def open(self) -> None:
        self.opened.set()


class _AwaitableWaiter:
    """A place in a queue that a task waits for."""

    __slots__ = ("_loop", "opened")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()

    def open(self) -> None:
        with suppress(RuntimeError):  # its loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(_complete, self.opened)


def _complete(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def in_event_loop() -> bool:
    """Tell whether an event loop runs on this thread."""
    return asyncio._get_running_loop() is not None


def _run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return finish(make())


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* to its end on this thread; it must not suspend."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} suspended in a blocking client")
