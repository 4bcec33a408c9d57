"""Iterables of one kind for servers of the other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ai_client import OpenAI
from ai_client._process.iteration import THREADS, AsyncItems, SyncItems
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
    """A sync iterable is read in other threads, in the order of its items, and closed there."""
    threads: list[int] = []

    def items() -> Iterator[int]:
        for number in (1, 2):
            threads.append(threading.get_ident())
            yield number

    closed = threading.Event()

    def close() -> None:
        threads.append(threading.get_ident())
        closed.set()

    async def read() -> list[int]:
        return [item async for item in AsyncItems(items(), None, close, lambda: None)]

    assert asyncio.run(read()) == [1, 2]
    assert closed.wait(5)
    assert len(threads) == 3
    assert threading.get_ident() not in threads


class Waiting:
    """A sync source whose items wait until they are let through.

    Attributes:
        begun: Released by each source that waits.
        through: Lets all of them through.
    """

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.through = threading.Event()

    def items(self, *numbers: int) -> Iterator[int]:
        """Give these numbers."""
        for number in numbers:
            self.begun.release()
            assert self.through.wait(60)
            yield number


def test_threads_are_bounded() -> None:
    """More sources than threads wait for their turn, each gives its items in their order, and no thread is added."""
    waiting = Waiting()
    count = 2 * THREADS

    async def read(number: int) -> list[int]:
        source = waiting.items(number, number + 1)
        return [item async for item in AsyncItems(source, None, lambda: None, lambda: None)]

    async def main() -> list[list[int]]:
        reading = asyncio.gather(*map(read, range(count)))
        for _ in range(THREADS):
            assert await asyncio.to_thread(waiting.begun.acquire, timeout=60)
        readers = [thread for thread in threading.enumerate() if "ai-client-stream" in thread.name]
        waiting.through.set()
        assert len(readers) <= THREADS
        return await reading

    assert asyncio.run(main()) == [[number, number + 1] for number in range(count)]


def test_a_source_is_closed_while_every_thread_waits() -> None:
    """A reader who leaves before a thread was free has its source closed at once, and none of it is read."""
    waiting = Waiting()
    closed = threading.Event()
    read: list[int] = []

    async def first(items: AsyncItems[int]) -> int:
        return await anext(items)

    async def main() -> None:
        sources = [
            AsyncItems(waiting.items(number), None, lambda: None, lambda: None) for number in range(THREADS)
        ]
        reading = asyncio.gather(*map(first, sources))
        for _ in range(THREADS):
            assert await asyncio.to_thread(waiting.begun.acquire, timeout=60)
        late = AsyncItems((read.append(1) for _ in [0]), None, closed.set, lambda: None)
        left = asyncio.ensure_future(first(late))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        left.cancel()
        await late.aclose()
        assert await asyncio.to_thread(closed.wait, 60)
        waiting.through.set()
        assert await reading == list(range(THREADS))
        for source in sources:
            await source.aclose()

    asyncio.run(main())
    assert not read


def test_a_source_is_closed_after_its_step() -> None:
    """A reader who leaves during a step has the source closed by the thread of that step, once it is done."""
    waiting = Waiting()
    events: list[str] = []
    closed = threading.Event()

    def items() -> Iterator[int]:
        yield from waiting.items(1)
        events.append("never")

    def close() -> None:
        events.append(threading.current_thread().name.rpartition("_")[0])
        closed.set()

    async def main() -> None:
        source = AsyncItems(items(), None, close, lambda: events.append("left"))
        step = asyncio.ensure_future(anext(source))  # type: ignore[arg-type]
        assert await asyncio.to_thread(waiting.begun.acquire, timeout=60)
        source.close()
        source.close()
        waiting.through.set()
        assert await step == 1
        assert await asyncio.to_thread(closed.wait, 60)

    asyncio.run(main())
    assert events == ["left", "ai-client-stream"]


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
