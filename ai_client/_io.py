"""The seam: one interface with a blocking and an awaitable side, the only waiting in the house.

The blocking side is written with `async def` but never suspends, so `finish` runs any coroutine built on it in a
single step, with no event loop.
"""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
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

    def chunks(self, body: Any, /) -> Any:
        """Give the iterator over the raw chunks of a body, for `chunk`."""
        ...

    async def chunk(self, chunks: Any, /) -> bytes | None:
        """Wait for the next raw chunk of a body, `None` at its end."""
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

    def chunks(self, body: Any, /) -> Iterator[bytes]:
        """Give the iterator over a body."""
        return iter(body)

    async def chunk(self, chunks: Iterator[bytes], /) -> bytes | None:
        """Wait for the next chunk."""
        return next(chunks, None)


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

    def chunks(self, body: Any, /) -> AsyncIterator[bytes]:
        """Give the iterator over a body."""
        return aiter(body)

    async def chunk(self, chunks: AsyncIterator[bytes], /) -> bytes | None:
        """Wait for the next chunk."""
        return await anext(chunks, None)


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


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* to its end on this thread; it must not suspend."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} suspended in a blocking client")
