"""Iterables of one kind for servers of the other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ai_client import OpenAI
from ai_client._process.iteration import AsyncItems, SyncItems
from ai_client.testing import Upstream

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}


class Counter:
    """An async source that tells in which loop it was."""

    def __init__(self) -> None:
        self.loops: list[asyncio.AbstractEventLoop] = []

    async def items(self) -> AsyncIterator[int]:
        """Give two items."""
        for number in (1, 2):
            self.loops.append(asyncio.get_running_loop())
            yield number

    async def close(self) -> None:
        """Note the loop."""
        self.loops.append(asyncio.get_running_loop())


def test_sync() -> None:
    """An async iterable is read and closed in one loop, which is closed with it."""
    counter = Counter()
    assert list(SyncItems(counter.items(), counter.close)) == [1, 2]
    assert len(counter.loops) == 3
    assert len(set(counter.loops)) == 1
    assert counter.loops[0].is_closed()


def test_sync_closed_from_inside() -> None:
    """Closing from inside of what is iterated waits for its step, whose item still arrives."""
    counter = Counter()

    async def items() -> AsyncIterator[int]:
        found.close()
        yield 1

    found: SyncItems[int] = SyncItems(items(), counter.close)
    assert list(found) == [1]
    assert counter.loops[0].is_closed()


def test_threaded() -> None:
    """A sync iterable is read in one other thread, in the order of its items, and closed there."""
    threads: list[str] = []

    def items() -> Iterator[int]:
        for number in (1, 2):
            threads.append(threading.current_thread().name)
            yield number

    closed = threading.Event()

    def close() -> None:
        threads.append(threading.current_thread().name)
        closed.set()

    async def read() -> list[int]:
        return [item async for item in AsyncItems(items(), None, close, lambda: None)]

    assert asyncio.run(read()) == [1, 2]
    assert closed.wait(5)
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] != threading.current_thread().name


def test_threaded_error() -> None:
    """An error of the iterable reaches the reader."""

    async def read() -> None:
        async for _ in AsyncItems((1 // zero for zero in [0]), None, lambda: None, lambda: None):
            pass

    with pytest.raises(ZeroDivisionError):
        asyncio.run(read())


def test_reader_that_leaves_wakes_the_thread(ai_client_upstream: Upstream) -> None:
    """The upstream's connection ends at once when the reader leaves, though the thread waits for its next bytes."""
    ai_client_upstream.reply(pause=60)
    client = OpenAI(api_key="k", base_url=ai_client_upstream.base_url)
    reading = threading.Event()
    left: list[bool] = []

    def read(stream: Iterator[Any]) -> Iterator[Any]:
        yield next(stream)
        reading.set()
        yield next(stream)

    async def leave(stream: Any) -> None:
        items: AsyncItems[Any] = AsyncItems(read(stream), stream, stream.close, lambda: left.append(True))
        await anext(items)
        waiting = asyncio.ensure_future(items.__anext__())
        assert await asyncio.to_thread(reading.wait, 5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        items.close()
        assert left == [True]
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.requests[0].aborted)

    with client:
        asyncio.run(leave(client.chat.completions.create(**ASK)))
