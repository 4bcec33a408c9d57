"""Waiting that ends with the application: exchanges and bodies count as under way, and fail once they are cut off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache, partial
from typing import Any, Self, TypeVar, cast

from .._exchange.answer import Answer
from .._exchange.call_request import CallRequest
from .._io import SyncIO
from .._io.async_io import AsyncIO
from .gate import DrainGate
from .iteration import interrupt

T = TypeVar("T")


def new_gate() -> DrainGate:
    """Return an open gate."""
    return DrainGate(partial(gated, owned=False))


def gated(client: Any, gate: DrainGate, *, owned: bool = True) -> "GatedSyncIO | GatedAsyncIO":
    """Return a way to wait over a client's connections that ends with the application.

    Args:
        client: One of ours.
        gate: What its calls go through.
        owned: Whether the connections are closed with the application, which ends what waits for them; what waits for
            any others is interrupted.
    """
    kind = GatedSyncIO if client._sync else GatedAsyncIO
    return kind(client._sender, gate, client._library.http, owned=owned)


class GatedSyncIO(SyncIO):
    """Waits by blocking the thread, and not beyond the end of the application."""

    def __init__(self, sender: Any, gate: DrainGate, http: Any, *, owned: bool = True) -> None:
        super().__init__(sender)
        self._gate = gate
        self._owned = owned
        self._body = _kind_of(_GatedBody, http.SyncByteStream)

    def until(self, deadline: float | None, /) -> Self:
        """Return what waits like this one, and not beyond a deadline."""
        other = super().until(deadline)
        other._gate, other._owned, other._body = self._gate, self._owned, self._body
        return other

    async def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        try:
            answer = await super().exchange(request, stream=stream)
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if stream:
            token = object() if self._owned else _Interruption(answer.network_stream)
            answer.body = self._body(answer.body, self._gate, token)
        return answer

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        self._gate.cut.wait(self._at_most(seconds))
        self._gate.fail_if_cut()
        self._check()


class GatedAsyncIO(AsyncIO):
    """Waits by suspending the task, and not beyond the end of the application."""

    def __init__(self, sender: Any, gate: DrainGate, http: Any, *, owned: bool = True) -> None:
        super().__init__(sender)
        self._gate = gate
        self._owned = owned
        self._body = _kind_of(_GatedAsyncBody if owned else _CutAsyncBody, http.AsyncByteStream)

    def until(self, deadline: float | None, /) -> Self:
        """Return what waits like this one; it is `within` that interrupts a task at its deadline."""
        other = super().until(deadline)
        other._gate, other._owned, other._body = self._gate, self._owned, self._body
        return other

    async def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        try:
            sending = super().exchange(request, stream=stream)
            answer = await (sending if self._owned else _until_cut(self._gate, sending))
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if stream:
            answer.body = self._body(answer.body, self._gate, _OfLoop())
        return answer

    async def sleep(self, seconds: float, /) -> None:
        """Wait for *seconds*."""
        await self._gate.sleep(seconds)
        self._gate.fail_if_cut()


class _OfLoop:
    """The token of what is read in the running loop.

    Attributes:
        loop: That loop; once it is closed, nobody reads on.
    """

    __slots__ = ("loop",)

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()


class _CountedBody:
    """A body that counts as under way until it is closed; who iterates it again goes on where it stands."""

    def __init__(self, inner: Any, gate: DrainGate, token: object) -> None:
        self._inner = inner
        self._gate = gate
        self._chunks: Any = None
        self._token = token
        gate.enter(token)

    def __del__(self) -> None:
        self._gate.forget(self._token)


class _GatedBody(_CountedBody):
    def __iter__(self) -> Iterator[bytes]:
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


class _GatedAsyncBody(_CountedBody):
    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._chunks is None:
            self._chunks = aiter(self._inner)
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._next()
        except Exception as error:
            self._gate.fail_if_cut(error)
            raise
        if chunk is None:
            self._gate.fail_if_cut()
            raise StopAsyncIteration
        return chunk

    def _next(self) -> Awaitable[bytes | None]:
        return cast("Awaitable[bytes | None]", anext(self._chunks, None))

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._gate.leave(self._token)


class _CutAsyncBody(_GatedAsyncBody):
    """A body over connections that are not closed with the application."""

    def _next(self) -> Awaitable[bytes | None]:
        return _until_cut(self._gate, super()._next())


class _Interruption:
    """A body that blocks a thread, over a connection that is not closed with the application."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def end(self) -> None:
        """Do nothing: only the time of this wait is bounded."""

    def cut(self) -> None:
        interrupt(self._connection)


class _Timer:
    """Something awaited, over connections that are not closed with the application."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self.loop = asyncio.get_running_loop()
        self._limit = limit

    def end(self) -> None:
        """Do nothing: only the time of this wait is bounded."""

    def cut(self) -> None:
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self.loop.call_soon_threadsafe(self._expire)

    def _expire(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended, or expires already
            self._limit.reschedule(self.loop.time())


async def _until_cut(gate: DrainGate, awaited: Awaitable[T]) -> T:
    """Await something, for as long as calls are not cut off; then raise `TimeoutError`."""
    async with asyncio.timeout(None) as limit:
        timer = _Timer(limit)
        gate.enter(timer)
        try:
            return await awaited
        finally:
            gate.leave(timer)


@cache
def _kind_of(body: type, base: type) -> Callable[[Any, DrainGate, object], Any]:
    """Register a body class with the HTTP library's own stream classes."""
    kind: Any = type(body.__name__, (body, base), {})
    return cast("Callable[[Any, DrainGate, object], Any]", kind)
