"""Iterables of one kind for servers of the other: async ones for a thread, sync ones for an event loop."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar, cast

from .._fork import PerProcess

T = TypeVar("T")
_END: Any = object()

THREADS = 40
"""How many threads read sync iterables for event loops, as many as Starlette and FastAPI have for plain functions."""
_readers = PerProcess(lambda: ThreadPoolExecutor(THREADS, "ai-client-stream"))
_closers = PerProcess(lambda: ThreadPoolExecutor(4, "ai-client-close"))
"""Others, so that a stream whose reader left is closed while every reader waits for its next item."""


class SyncItems(Generic[T]):
    """A sync iterator over an async iterable, on an event loop of its own.

    Args:
        items: What to iterate.
        close: Closes it; called in the same loop.
    """

    def __init__(self, items: AsyncIterable[T], close: Callable[[], Any]) -> None:
        self._items = aiter(items)
        self._close = close
        self._runner = asyncio.Runner()
        self._stepping = False
        self._closed = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._closed:
            raise StopIteration
        self._stepping = True
        try:
            item = self._runner.run(_step(self._items))
        finally:
            self._stepping = False
            if self._closed:
                self._end()
        if item is _END:
            self.close()
            raise StopIteration
        return item

    def close(self) -> None:
        """Close the iterable and the loop; if called during a step, after that step."""
        if self._closed:
            return
        self._closed = True
        if not self._stepping:
            self._end()

    def _end(self) -> None:
        with self._runner:
            self._runner.run(_await(self._close))


class AsyncItems(Generic[T]):
    """An async iterator over a sync iterable, which threads read, an item at a time.

    All of a process share `THREADS` of them: where more wait for their next item, the rest wait for their turn.

    Args:
        items: What to iterate.
        stream: What the items come from. When the reader leaves while a thread waits for its next byte, its
            connection is shut down, which wakes the thread.
        close: Closes it; called in a thread, never during a step.
        leave: Called before that connection is shut down: what the thread then raises is no failure.
    """

    def __init__(
        self, items: Iterable[T], stream: object, close: Callable[[], None], leave: Callable[[], None]
    ) -> None:
        self._items = iter(items)
        self._stream = stream
        self._close = close
        self._leave = leave
        self._context = copy_context()
        self._lock = threading.Lock()
        self._stepping = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._closed:
            raise StopAsyncIteration
        loop = asyncio.get_running_loop()
        item = await loop.run_in_executor(_readers(), self._context.run, self._step)
        if item is _END:
            self.close()
            raise StopAsyncIteration
        return item

    def _step(self) -> T:
        with self._lock:
            if self._closed:
                return cast("T", _END)
            self._stepping = True
        try:
            return next(self._items, _END)
        finally:
            with self._lock:
                self._stepping = False  # also where it failed: the connection may be another call's by now
                closed = self._closed
            if closed:
                self._close()

    async def aclose(self) -> None:
        """Close the iterable, as `close` does."""
        self.close()

    def close(self) -> None:
        """Close the iterable, after a thread's current step, without waiting."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            stepping = self._stepping
        if not stepping:
            _closers().submit(self._close)
            return
        self._leave()
        response = getattr(self._stream, "response", None)
        interrupt(getattr(response, "extensions", {}).get("network_stream"))


async def _step(items: AsyncIterator[T]) -> T:
    return await anext(items, _END)


async def _await(function: Callable[[], Any]) -> None:
    await function()


def interrupt(connection: Any) -> None:
    """Shut down the connection of a sync stream that another thread reads.

    Args:
        connection: The HTTP library's view of it, if there is one.
    """
    found = connection.get_extra_info("socket") if connection is not None else None
    if isinstance(found, socket.socket):
        try:
            # Past ssl.SSLSocket.shutdown, which takes the TLS state from under the reading thread.
            socket.socket.shutdown(found, socket.SHUT_RDWR)
        except OSError:
            return  # the connection is down already
