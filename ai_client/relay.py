"""Streams passed on to the readers of a web application, whichever kind of server and of stream meet.

The labels of the request hold for what a generator calls while it is read, long after its view has returned.
"""

import asyncio
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from ._labels import _scope
from .errors import OpenAIError
from .web import DONE, encode_event

T = TypeVar("T")
_END: Any = object()


class Events:
    """A blocking stream, or any other iterable, as server-sent events; closing it closes the stream."""

    def __init__(self, stream: Iterable[Any]) -> None:
        self._stream = stream
        self._items = iter(stream)
        self._context = copy_context()
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ended:
            raise StopIteration
        try:
            item = self._context.run(next, self._items, _END)
        except OpenAIError as error:
            self.close()
            return encode_event(error)
        except BaseException:
            self.close()
            raise
        if item is _END:
            self.close()
            return DONE
        return encode_event(item)

    def close(self) -> None:
        """End the events and close the stream."""
        self._ended = True
        if (close := getattr(self._stream, "close", None)) is not None:
            close()


class AsyncEvents:
    """An awaitable stream, or any other async iterable, as server-sent events; closing it closes the stream."""

    def __init__(self, stream: AsyncIterable[Any]) -> None:
        self._stream = stream
        self._items = aiter(stream)
        self._labels = _scope.get()
        self.ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.ended:
            raise StopAsyncIteration
        outer = _scope.get()
        _scope.set(self._labels)
        try:
            item = await anext(self._items, _END)
        except OpenAIError as error:
            await self.aclose()
            return encode_event(error)
        except BaseException:
            await self.aclose()
            raise
        finally:
            _scope.set(outer)
        if item is _END:
            await self.aclose()
            return DONE
        return encode_event(item)

    async def aclose(self) -> None:
        """End the events and close the stream."""
        self.ended = True
        close = getattr(self._stream, "aclose", None) or getattr(self._stream, "close", None)
        if close is not None:
            await close()


class Blocking(Generic[T]):
    """The items of an async iterable for a thread without an event loop: it has one of its own.

    Args:
        items: What to iterate.
        close: Closes it; called in the same loop.
    """

    def __init__(self, items: AsyncIterable[T], close: Callable[[], Any]) -> None:
        self._items = aiter(items)
        self._close = close
        self._runner = asyncio.Runner()
        self._closed = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._closed:
            raise StopIteration
        item = self._runner.run(_step(self._items))
        if item is _END:
            self.close()
            raise StopIteration
        return item

    def close(self) -> None:
        """Close what is iterated, and the loop."""
        if self._closed:
            return
        self._closed = True
        with self._runner:
            self._runner.run(_await(self._close))


class Threaded(Generic[T]):
    """The items of a blocking iterable for an event loop: a thread of its own waits for them.

    Args:
        items: What to iterate.
        stream: What the items come from. When the reader leaves while the thread waits for its next byte, its
            connection is shut down, which wakes the thread.
        close: Closes it; called in the thread.
    """

    def __init__(self, items: Iterable[T], stream: object, close: Callable[[], None]) -> None:
        self._items = iter(items)
        self._stream = stream
        self._close = close
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
        self._waiting = False
        if item is _END:
            self.close()
            raise StopAsyncIteration
        return item

    def _step(self) -> T:
        return next(self._items, _END)

    def close(self) -> None:
        """Close what is iterated, after the thread's present step, without waiting for either."""
        if self._closed:
            return
        self._closed = True
        if self._waiting:
            _interrupt(self._stream)
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)


def blocking_events(stream: Iterable[Any] | AsyncIterable[Any]) -> "Events | Blocking[bytes]":
    """Give the events of a stream of either kind to a server that blocks."""
    if isinstance(stream, AsyncIterable):
        events = AsyncEvents(stream)
        return Blocking(events, events.aclose)
    return Events(stream)


async def _step(items: AsyncIterator[T]) -> T:
    return await anext(items, _END)


async def _await(function: Callable[[], Any]) -> None:
    await function()


def _interrupt(stream: object) -> None:
    """Shut down the connection of a blocking stream that another thread reads."""
    response = getattr(stream, "response", None)
    network = getattr(response, "extensions", {}).get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if isinstance(connection, socket.socket):
        try:
            # Past ssl.SSLSocket.shutdown, which takes the TLS state from under the reading thread.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
        except OSError:
            return  # the connection is down already
