"""The interface through which shared code waits, sync or async."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Executor
from typing import Any, Protocol, Self, TypeVar

from .._exchange.answer import Answer
from .._exchange.call_request import CallRequest

T = TypeVar("T")


class Waiter(Protocol):
    """A place in a queue: one caller waits for it with `IO.wait`, anyone opens it, from any thread or loop."""

    def open(self) -> None:
        """Wake the waiting caller; opening twice is harmless."""
        ...


class Held(Protocol):
    """A lock that is held."""

    def release(self) -> None:
        """Release it."""
        ...


class IO(Protocol):
    """Everything shared code may wait for."""

    sync: bool
    deadline: float | None
    """When all waiting ends with `TimeoutError`, in seconds of `time.monotonic`; `None` is never."""
    timeouts: tuple[type[Exception], ...]
    """The HTTP library's exceptions for timeouts."""
    failures: tuple[type[Exception], ...]
    """The HTTP library's exceptions for failed exchanges, including timeouts."""

    def until(self, deadline: float | None, /) -> Self:
        """Return what waits like this one, and not beyond a deadline: `TimeoutError` is raised then.

        A thread cannot be taken out of a function of the user's; what follows such a function fails.
        """
        ...

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Coroutine[Any, Any, Answer]:
        """Perform one exchange, unless the deadline has passed; the body is read unless *stream*."""
        ...

    async def read(self, answer: Answer, /) -> bytes:
        """Read the rest of a body."""
        ...

    async def close(self, answer: Answer, /) -> None:
        """Close an answer, read or not."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        ...

    async def call(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's; the async side also awaits what it returns."""
        ...

    async def complete(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function or coroutine function of the user's, on either side, and see it through."""
        ...

    def now(self) -> float:
        """Return the time in seconds since 1970, the clock that processes share."""
        ...

    def waiter(self) -> Waiter:
        """Make something to wait for."""
        ...

    async def wait(self, waiter: Any, timeout: float | None, /) -> bool:
        """Wait until *waiter* is opened, at most *timeout* seconds; tell whether it was."""
        ...

    async def work(self, executor: Executor, function: Callable[..., T], /, *args: Any) -> T:
        """Run a function that blocks; once begun it runs to its end, even if its caller is cancelled."""
        ...

    async def gather(self, makers: Iterable[Callable[[], Coroutine[Any, Any, T]]], limit: int, /) -> list[T]:
        """Run the coroutines that *makers* make, at most *limit* at a time; the first error ends them all."""
        ...

    def chunks(self, body: Any, /) -> Any:
        """Return an iterator over the raw chunks of a body, for `chunk`."""
        ...

    async def chunk(self, chunks: Any, /) -> bytes | None:
        """Wait for the next raw chunk of a body, `None` at its end."""
        ...

    async def call_aside(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Call a function of the user's that may block; the async side does so in a thread."""
        ...

    def within(self, deadline: float, coroutine: Awaitable[T], /) -> Coroutine[Any, Any, T]:
        """Run *coroutine*; the async side raises `TimeoutError` once the deadline has passed."""
        ...

    async def drain(self, answer: Answer, chunks: Any, seconds: float, /) -> None:
        """Read what little may be left of a body, so that its connection can be used again."""
        ...

    async def carry_through(self, coroutine: Coroutine[Any, Any, None], /) -> None:
        """Run *coroutine* to its end, also where its caller is cancelled or out of time and goes on without it."""
        ...

    async def ended(self) -> None:
        """Wait a bounded time for what `carry_through` and `ender` began without a caller."""
        ...

    def ender(self) -> Callable[[Coroutine[Any, Any, None]], None]:
        """Return a function that settles an abandoned stream; safe from any thread at any time."""
        ...

    def lock(self) -> Any:
        """Make a lock that this side's callers may `acquire`."""
        ...

    async def acquire(self, lock: Any, /) -> "Held":
        """Wait for a lock; return what the caller must release."""
        ...
