"""Iterables of one kind for servers of the other: async ones for a thread, sync ones for an event loop."""

import asyncio
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_END: Any = object()


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
    """An async iterator over a sync iterable, which a thread of its own reads.

    Args:
        items: What to iterate.
        stream: What the items come from. When the reader leaves while the thread waits for its next byte, its
            connection is shut down, which wakes the thread.
        close: Closes it; called in the thread.
        leave: Called before that connection is shut down: what the thread then raises is no failure.
    """

    def __init__(
        self, items: Iterable[T], stream: object, close: Callable[[], None], leave: Callable[[], None]
    ) -> None:
        self._items = iter(items)
        self._stream = stream
        self._close = close
        self._leave = leave
        self._thread = ThreadPoolExecutor(1, "ai-client-stream")
        self._context = copy_context()
        self._waiting = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._closed:
            raise StopAsyncIteration
        self._waiting = True
        loop = asyncio.get_running_loop()
        item = await loop.run_in_executor(self._thread, self._context.run, self._step)
        if item is _END:
            self.close()
            raise StopAsyncIteration
        return item

    def _step(self) -> T:
        try:
            return next(self._items, _END)
        finally:
            self._waiting = False  # also where it failed: the connection may be another call's by now

    async def aclose(self) -> None:
        """Close the iterable, as `close` does."""
        self.close()

    def close(self) -> None:
        """Close the iterable after the thread's current step, without waiting."""
        if self._closed:
            return
        self._closed = True
        if self._waiting:
            self._leave()
            response = getattr(self._stream, "response", None)
            interrupt(getattr(response, "extensions", {}).get("network_stream"))
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)


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
