"""The end of an application: calls and requests under way get a time to finish, further calls are refused."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, Self, cast

from ._io import BlockingIO
from ._io.awaitable import AsyncIO
from ._labels import in_request_since_before, requests_since_before
from .control.call import Call, Next, Reply
from .errors import ClientClosedError

if TYPE_CHECKING:
    import httpx

_POLL_SECONDS = 0.25


class Gate:
    """What goes through the clients of a provider, and whether more may come; a policy around every call.

    Attributes:
        closing: Whether the end has begun: new calls are refused, save those of a request that is being finished.
        cut: Whether those that were under way have been cut off as well.
        closed: Done when the clients are closed.
    """

    def __init__(self) -> None:
        self.closing = False
        self.cut = threading.Event()
        self.closed: Future[None] = Future()
        self._under_way: set[object] = set()
        self._idle = threading.Event()
        self._once = threading.Lock()
        self._finishes_requests_from = -inf
        self._sleepers: set[asyncio.Future[None]] = set()

    async def __call__(self, call: Call, proceed: Next, /) -> Reply:
        """Count a call while it runs."""
        if self.closing:
            self.admit()
        token = object()
        self._under_way.add(token)
        try:
            return await proceed(call)
        finally:
            self.leave(token)

    @contextlib.contextmanager
    def passing(self) -> Generator[None]:
        """Count what happens inside the block, unless it comes too late.

        Raises:
            ClientClosedError: The application is shutting down.
        """
        if self.closing:
            self.admit()
        token = object()
        self.enter(token)
        try:
            yield
        finally:
            self.leave(token)

    def enter(self, token: object) -> None:
        """Count what begins."""
        self._under_way.add(token)

    def leave(self, token: object) -> None:
        """Count what has ended."""
        self._under_way.discard(token)
        if self.closing and not self._under_way:
            self._idle.set()

    def forget(self, token: object) -> None:
        """Count what was dropped; for finalizers, which may run anywhere and must take no lock."""
        self._under_way.discard(token)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way and not requests_since_before(self._finishes_requests_from)

    def refuse(self, *, finish_requests: bool = False) -> bool:
        """Refuse new calls from now on; tell whether this is the first time.

        With *finish_requests*, those of a request that is being served now go on until they are cut off.
        """
        if not self._once.acquire(blocking=False):  # a signal handler may interrupt, and must not wait
            return False
        if finish_requests:
            self._finishes_requests_from = time.monotonic()
        self.closing = True
        return True

    def admit(self) -> None:
        """Let in a call that begins here and now, unless it comes too late.

        Raises:
            ClientClosedError: The application is shutting down, and the call is not of a request that is finished.
        """
        if self.closing and (self.cut.is_set() or not in_request_since_before(self._finishes_requests_from)):
            raise ClientClosedError("The application is shutting down and takes no more AI calls.")

    def hurry(self) -> None:
        """Have `wait_until_idle` look again at once."""
        self._idle.set()

    def wait_until_idle(self, seconds: float) -> None:
        """Block until nothing is under way any more, for at most so long."""
        deadline = time.monotonic() + seconds
        while not self.idle and (left := deadline - time.monotonic()) > 0:
            self._idle.wait(
                min(left, _POLL_SECONDS)
            )  # what was dropped wakes nobody, nor does a request's end
            self._idle.clear()

    def cut_off(self) -> None:
        """Let whatever is still under way fail when its connection is closed, and wake what sleeps."""
        self.cut.set()
        for sleeper in list(self._sleepers):
            with contextlib.suppress(RuntimeError):  # its loop is closed
                sleeper.get_loop().call_soon_threadsafe(_wake, sleeper)

    def fail_if_cut(self, cause: Exception | None = None) -> None:
        """End what is under way where it has been cut off, whatever else it failed of.

        Raises:
            ClientClosedError: It has.
        """
        if self.cut.is_set():
            raise ClientClosedError(
                "The application's AI client was closed while this call was under way."
            ) from cause

    async def sleep(self, seconds: float) -> None:
        """Suspend for *seconds*, or until calls are cut off."""
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        timer = loop.call_later(seconds, _wake, sleeper)
        self._sleepers.add(sleeper)
        try:
            if not self.cut.is_set():
                await sleeper
        finally:
            timer.cancel()
            self._sleepers.discard(sleeper)


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)


class GatedBlockingIO(BlockingIO):
    """Waits by blocking the thread, and not beyond the end of the application."""

    def __init__(self, sender: Any, gate: Gate, http: Any) -> None:
        super().__init__(sender)
        self._gate = gate
        self._body = _kind_of(_Body, http.SyncByteStream)

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        try:
            response = await super().send(request, stream=stream)
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if stream:
            response.stream = self._body(response.stream, self._gate)
        return response

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        self._gate.cut.wait(seconds)
        self._gate.fail_if_cut()


class GatedAsyncIO(AsyncIO):
    """Waits by suspending the task, and not beyond the end of the application."""

    def __init__(self, sender: Any, gate: Gate, http: Any) -> None:
        super().__init__(sender)
        self._gate = gate
        self._body = _kind_of(_AsyncBody, http.AsyncByteStream)

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        try:
            response = await super().send(request, stream=stream)
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if stream:
            response.stream = self._body(response.stream, self._gate)
        return response

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        await self._gate.sleep(seconds)
        self._gate.fail_if_cut()


class _Watched:
    """A body that counts as under way until it is closed; who iterates it again goes on where it stands."""

    def __init__(self, inner: Any, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate
        self._chunks: Any = None
        self._token = object()
        gate.enter(self._token)

    def __del__(self) -> None:
        self._gate.forget(self._token)


class _Body(_Watched):
    def __iter__(self) -> Self:
        if self._chunks is None:
            self._chunks = iter(self._inner)
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks, None)
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if chunk is None:
            self._gate.fail_if_cut()  # a body without a length ends like this when it is cut
            raise StopIteration
        return cast("bytes", chunk)

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._gate.leave(self._token)


class _AsyncBody(_Watched):
    def __aiter__(self) -> Self:
        if self._chunks is None:
            self._chunks = aiter(self._inner)
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._chunks, None)
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if chunk is None:
            self._gate.fail_if_cut()
            raise StopAsyncIteration
        return cast("bytes", chunk)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._gate.leave(self._token)


@cache
def _kind_of(body: type, base: type) -> Callable[[Any, Gate], Any]:
    """Make the HTTP library take a body for one of its own."""
    kind: Any = type(body.__name__, (body, base), {})
    return cast("Callable[[Any, Gate], Any]", kind)
