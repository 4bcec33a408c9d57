"""The seam: one interface with a blocking and an awaitable side, the only waiting in the house.

The blocking side is written with `async def` but never suspends, so `finish` runs any coroutine built on it in a
single step, with no event loop.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    import httpx

    from ._exchange import AsyncSender, Sender

T = TypeVar("T")


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


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* to its end on this thread; it must not suspend."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} suspended in a blocking client")
