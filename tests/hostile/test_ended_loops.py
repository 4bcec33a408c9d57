"""Streams that outlive their event loop: what policies do at a stream's end is done all the same."""

import _thread
import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_client import AsyncOpenAI, DefaultAioHttpClient, DefaultAsyncHttpxClient
from ai_client.control import Call, Next, Reply, StreamEnd
from ai_client.provider import ClientProvider
from tests.support.forks import in_child
from tests.support.hostile.pieces import CHUNKS, PIECES
from tests.support.hostile.wire import HOLD, Wire
from tests.support.invoke import CHAT, KEY, Invoke


class Settling:
    """A policy that takes its time at the end of each stream, and counts."""

    def __init__(self) -> None:
        self.open = 0
        self.ended = 0

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Count a stream until it has ended."""
        reply = await proceed(call)
        self.open += 1

        async def settle(end: StreamEnd) -> None:
            assert not end.complete
            await asyncio.sleep(0.02)
            self.ended += 1

        reply.on_end.append(settle)
        return reply


async def begin(client: AsyncOpenAI) -> Any:
    """Open a stream and read some of it."""
    stream = await client.chat.completions.create(**CHAT, stream=True)
    await anext(stream)
    return stream


async def drop(client: AsyncOpenAI) -> None:
    """Leave a stream behind as the last thing that a loop does."""
    await begin(client)


async def read_on(client: AsyncOpenAI) -> None:
    """Leave a task that reads behind, which the end of the loop cancels."""
    stream = await begin(client)
    kept.append(asyncio.create_task(anext(stream)))
    await asyncio.sleep(0)


kept: list[Any] = []


def dropped(client: AsyncOpenAI) -> None:
    """Drop it while its loop runs for the last time."""
    asyncio.run(drop(client))


def dropped_later(client: AsyncOpenAI) -> None:
    """Drop it once its loop is closed."""
    stream = asyncio.run(begin(client))
    del stream


def dropped_in_between(client: AsyncOpenAI) -> None:
    """Drop it while its loop is open but never runs again."""
    loop = asyncio.new_event_loop()
    stream = loop.run_until_complete(begin(client))
    del stream
    loop.close()


def dropped_in_another(client: AsyncOpenAI) -> None:
    """Drop it once its loop is closed, while another one runs."""
    streams = [asyncio.run(begin(client))]

    async def main() -> None:
        streams.clear()
        await asyncio.sleep(0)

    asyncio.run(main())


def cancelled(client: AsyncOpenAI) -> None:
    """Let the end of the loop cancel who reads it."""
    asyncio.run(read_on(client))
    kept.clear()


@pytest.mark.parametrize("owner", ["nobody", "provider"])
@pytest.mark.parametrize("leave", [dropped, dropped_later, dropped_in_between, dropped_in_another, cancelled])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_streams_left_behind(wire: Wire, leave: Callable[[AsyncOpenAI], None], owner: str) -> None:
    """Each stream that is left behind by a loop that ends is settled, however it is left."""
    wire.play([*PIECES[:2], HOLD])
    policy = Settling()
    provider = ClientProvider({"api_key": KEY, "base_url": wire.base_url})
    client = (
        provider.async_client.with_options(layers=[policy])
        if owner == "provider"
        else AsyncOpenAI(api_key=KEY, base_url=wire.base_url, layers=[policy])
    )
    for _ in range(5):
        leave(client)
    gc.collect()
    for _ in range(1000):
        if policy.ended == 5:
            break
        time.sleep(0.01)
    assert (policy.open, policy.ended) == (5, 5)
    if owner == "nobody":
        asyncio.run(client.close())
    provider.close()
    del client, provider
    gc.collect()  # loops that were closed over their connections complain of them here


def closed_in_another(client: AsyncOpenAI) -> None:
    """Close it once its loop is closed, in another one."""
    stream = asyncio.run(begin(client))
    asyncio.run(stream.close())


def kept_to_the_end(client: AsyncOpenAI) -> None:
    """Hold it for longer than the client is open."""
    kept.append(asyncio.run(begin(client)))


@pytest.mark.parametrize("http", [None, DefaultAsyncHttpxClient, DefaultAioHttpClient])
@pytest.mark.parametrize("leave", [closed_in_another, dropped_later, dropped_in_between, kept_to_the_end])
def test_connections_of_closed_loops_are_closed(
    wire: Wire, leave: Callable[[AsyncOpenAI], None], http: Callable[[], Any] | None
) -> None:
    """No connection outlives its client, in whichever loops its streams were left, and none waits for the collector."""
    wire.play([*PIECES[:2], HOLD])
    client = AsyncOpenAI(api_key=KEY, base_url=wire.base_url, http_client=None if http is None else http())
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            leave(client)
        asyncio.run(client.close())
        wire.wait_for(lambda: wire.open == 0)
    finally:
        gc.enable()
        kept.clear()


def test_many_streams_left_behind_are_settled_by_one_thread(wire: Wire) -> None:
    """However many streams outlive their loop, one thread at a time settles them, so that they take few resources."""
    wire.play([*PIECES[:2], HOLD])
    policy = Settling()
    client = AsyncOpenAI(api_key=KEY, base_url=wire.base_url, layers=[policy], max_connections=200)

    async def open_many() -> list[Any]:
        return await asyncio.gather(*(begin(client) for _ in range(200)))

    streams = asyncio.run(open_many())
    before = _thread._count()
    streams.clear()
    most = 0
    for _ in range(1000):
        most = max(most, _thread._count())
        if policy.ended == 200:
            break
        time.sleep(0.01)
    assert (policy.open, policy.ended) == (200, 200)
    assert most <= before + 3  # one may end while the next begins
    asyncio.run(client.close())


def test_tasks_of_a_closed_loop_stay_where_they_are(wire: Wire) -> None:
    """A reader that its closed loop left in the middle goes on nowhere else when the connection is closed under it."""
    wire.play([*PIECES[:2], HOLD])
    client = AsyncOpenAI(api_key=KEY, base_url=wire.base_url)
    went_on: list[str] = []

    async def read(begun: asyncio.Event) -> None:
        stream = await begin(client)
        begun.set()
        try:
            await anext(stream)
        finally:
            went_on.append("reader")

    async def start() -> Any:
        begun = asyncio.Event()
        task = asyncio.create_task(read(begun))
        await begun.wait()
        await asyncio.sleep(0)
        return task

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(start())
    loop.close()
    asyncio.run(drop(client))  # a pool of another loop: that of the closed one is let go
    wire.wait_for(lambda: wire.open <= 1)
    assert went_on == []
    assert not task.done()
    task._log_destroy_pending = False  # as a test may: it is left pending on purpose
    asyncio.run(client.close())


class Noting:
    """A policy that notes in a file which process settles a stream."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Pass a call on."""
        reply = await proceed(call)

        async def settle(end: StreamEnd) -> None:
            with self._path.open("a") as notes:
                notes.write(f"{os.getpid()} {end.complete}\n")

        reply.on_end.append(settle)
        return reply


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_leaves_a_stream_to_its_parent(wire: Wire, invoke: Invoke, tmp_path: Path) -> None:
    """A stream that goes in a forked child is neither closed nor settled there: its parent reads it to its end."""
    go_on = threading.Event()
    wire.play([*PIECES[:2], go_on, *PIECES[2:]])
    notes = tmp_path / "notes"
    client = invoke.client(api_key=KEY, base_url=wire.base_url, layers=[Noting(notes)])
    streams = [invoke(client.chat.completions.create, **CHAT, stream=True)]
    invoke.next(streams[0])

    def leave() -> bool:
        streams.clear()
        gc.collect()
        time.sleep(0.2)  # for what a thread might do
        return not notes.exists()

    assert in_child(leave)
    go_on.set()
    assert len(invoke.collect(streams[0])) == len(CHUNKS) - 1
    assert notes.read_text() == f"{os.getpid()} True\n"
