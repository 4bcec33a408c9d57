"""Streams that outlive their event loop: what policies do at a stream's end is done all the same."""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from ai_client import AsyncOpenAI
from ai_client._call.call import Call, Reply, StreamEnd
from ai_client._call.pipeline import Next
from ai_client.provider import ClientProvider
from tests.conftest import CHAT, KEY
from tests.hostile.test_readers import PIECES
from tests.support.hostile.wire import HOLD, Wire


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
@pytest.mark.parametrize("leave", [dropped, dropped_later, dropped_in_another, cancelled])
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
