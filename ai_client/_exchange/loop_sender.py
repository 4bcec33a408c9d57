"""Exchanges from any event loop, over pools that belong to one loop each.

A call from the loop that its connections belong to uses them directly. Where a client is shared by the whole process,
calls from loops that come and go cross over to the process's background loop; a client of one's own gets a pool for
each loop that it meets, and drops the pools of loops that were closed.
"""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self, cast

from .._fork import here, in_child
from .._http.library import not_sent
from .._pool.opened import Opened
from .._pool.permits import PoolStats, added_up
from ..errors import ClientClosedError
from .answer import Answer
from .call_request import CallRequest
from .loops import Loop, background_loop, cross, finish_from_here, finish_on, main_loop
from .pool_senders import AsyncPoolSender, OverTransport

if TYPE_CHECKING:
    from .._http.library import Library

_NO_LOOP = "AsyncOpenAI needs a running asyncio event loop: with trio, call OpenAI in a thread instead."


def _no_loop() -> Loop | None:
    return None


_NOTHING_NEAR = (_no_loop, None)


class LoopSender(OverTransport):
    """Exchanges over the pool of the running loop, or over that of a loop that outlives it.

    Args:
        make: Gives a sender over a new pool.
        library: The HTTP library of its requests.

    Attributes:
        shared: Whether the process shares the client, so that only its main loop has a pool of its own.
    """

    def __init__(self, make: Callable[[], AsyncPoolSender], library: "Library") -> None:
        super().__init__(library)
        self.shared = False
        self._make = make
        self._stream = _stream_class(library.http.AsyncByteStream)
        self._lock = threading.Lock()
        self._senders: weakref.WeakKeyDictionary[Loop, AsyncPoolSender] = weakref.WeakKeyDictionary()
        self._opened = Opened()
        self._near: tuple[Callable[[], Loop | None], Any] = _NOTHING_NEAR
        _instances.add(self)

    def stats(self) -> PoolStats:
        """Count the connections of all loops; those that were opened, of loops that are gone too."""
        here()
        with self._lock:
            pools = [sender.pool for sender in self._senders.values()]
        return replace(added_up(pool.stats() for pool in pools), opened_total=self._opened.value)

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Coroutine[Any, Any, Answer]:
        """Perform one exchange; the body is read unless *stream*."""
        running = asyncio._get_running_loop()
        if running is None:
            raise RuntimeError(_NO_LOOP)
        home_of, near = self._near  # a sender, where that is a loop's
        if home_of() is running:  # in this process, as no loop runs on in a child
            answering: Coroutine[Any, Any, Answer] = near.exchange(request, stream=stream)
            return answering
        here()
        home = self._home_of(running)
        sender = self._sender_of(home)
        if home is running:
            self._near = weakref.ref(running), sender
            return sender.exchange(request, stream=stream)
        return self._cross(home, sender, request, stream)

    def _home_of(self, running: Loop) -> Loop:
        return running if not self.shared or running is main_loop() else background_loop()

    def _sender_of(self, loop: Loop) -> AsyncPoolSender:
        with self._lock:
            sender = self._senders.get(loop)
            if sender is None:
                if self.is_closed:  # an attempt after one that the closing ended
                    raise not_sent(ClientClosedError("The client was closed while this call was under way."))
                for other in list(self._senders):
                    if other.is_closed():
                        self._senders.pop(other).pool.abandon()
                sender = self._senders[loop] = self._make()
                sender.pool.counted_in = self._opened
            return sender

    async def _cross(self, home: Loop, sender: AsyncPoolSender, request: CallRequest, stream: bool) -> Answer:
        if request.made is not None:
            request.made.stream = self._brought(request.made.stream, asyncio.get_running_loop())
        answer = await cross(
            home, lambda: sender.exchange(request, stream=stream), undo=lambda answer: answer.aclose()
        )
        if stream:
            answer.body = self._stream(answer.body, home)
        return answer

    def _brought(self, body: Any, running: Loop) -> Any:
        """Return a request body that another loop can read."""
        return body if hasattr(body, "__iter__") else self._stream(body, running)

    def _take(self) -> list[tuple[Loop, AsyncPoolSender]]:
        with self._lock:
            taken = list(self._senders.items())
            self._senders.clear()
            self._near = _NOTHING_NEAR
        for _, sender in taken:
            sender.is_closed = True
        return taken

    async def aclose(self) -> None:
        """Close every connection, each on its own loop."""
        self.is_closed = True
        for loop, sender in self._take():
            if loop is asyncio.get_running_loop():
                await sender.aclose()
            elif loop.is_running():
                await finish_from_here(loop, sender.aclose)
            else:
                sender.pool.close_elsewhere()

    def close(self) -> None:
        """Close every connection from a thread; those of the thread's own running loop right after."""
        self.is_closed = True
        for loop, sender in self._take():
            if loop.is_running():
                finish_on(loop, sender.aclose)
                if loop.is_closed():  # it ended meanwhile
                    sender.pool.abandon()
            else:
                sender.pool.close_elsewhere()

    def start_empty(self) -> None:
        """Leave the connections to the process that this one was forked from."""
        self._lock = threading.Lock()
        for _, sender in self._take():
            sender.pool.abandon()


def share(client: Any) -> None:
    """Share an async client's connections among all loops of the process, unless its HTTP client is the user's."""
    if isinstance(client._sender, LoopSender):
        client._sender.shared = True


_instances: "weakref.WeakSet[LoopSender]" = weakref.WeakSet()


def _start_empty() -> None:
    for sender in list(_instances):
        sender.start_empty()


in_child(_start_empty)


class _Crossing:
    """A body that is read on one loop and belongs to another, one chunk at a time."""

    def __init__(self, stream: Any, home: Loop) -> None:
        self._inner = stream
        self._home = home
        self._chunks: Any = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await cross(self._home, self._next)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def _next(self) -> bytes | None:
        if self._chunks is None:
            self._chunks = self._inner.__aiter__()
        return cast("bytes | None", await anext(self._chunks, None))

    async def aclose(self) -> None:
        await cross(self._home, self._inner.aclose, firm=True)


@cache
def _stream_class(base: type) -> Callable[[Any, Loop], Any]:
    kind: Any = type(_Crossing.__name__, (_Crossing, base), {})
    return cast("Callable[[Any, Loop], Any]", kind)
