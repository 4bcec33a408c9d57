"""Streams that more than one thread or task touches at a time."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pydantic_core import to_json

from ai_client import AsyncOpenAI, OpenAI, StreamInterruptedError, StreamStateError
from ai_client._process.iteration import AsyncItems
from tests.support.hostile.framing import EVENT_STREAM, events, framed
from tests.support.hostile.pieces import CHUNKS, PIECES
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, KEY


@pytest.fixture
def go_on(wire: Wire) -> threading.Event:
    """Give what lets a stream go on after its first event."""
    event = threading.Event()
    wire.play([*PIECES[:2], event, *PIECES[2:]])
    return event


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("options", [{}, {"deadline": 60.0}])
def test_a_stream_has_one_thread(
    wire: Wire, go_on: threading.Event, own: bool, options: dict[str, Any]
) -> None:
    """A thread that reads what another waits for is told so, and the other loses nothing."""
    http_client = None if own else httpx.Client()
    with OpenAI(api_key=KEY, base_url=wire.base_url, http_client=http_client, **options) as client:
        stream = client.chat.completions.create(**CHAT, stream=True)
        first = next(stream)
        with ThreadPoolExecutor(1) as other:
            rest = other.submit(list, stream)
            for _ in range(1000):
                if stream._chunks.gi_running:  # type: ignore[attr-defined]  # the other waits
                    break
                time.sleep(0.01)
            with pytest.raises(StreamStateError, match="Another thread or task"):
                next(stream)
            go_on.set()
            assert [item.to_dict() for item in [first, *rest.result()]] == CHUNKS


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("options", [{}, {"deadline": 60.0}])
def test_a_stream_has_one_task(
    wire: Wire, go_on: threading.Event, own: bool, options: dict[str, Any]
) -> None:
    """A task that reads what another waits for is told so, and the other loses nothing."""

    async def main() -> None:
        http_client = None if own else httpx.AsyncClient()
        async with AsyncOpenAI(
            api_key=KEY, base_url=wire.base_url, http_client=http_client, **options
        ) as client:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            found = [await anext(stream)]

            async def read() -> None:
                found.extend([item async for item in stream])

            rest = asyncio.create_task(read())
            await asyncio.sleep(0)
            with pytest.raises(StreamStateError, match="Another thread or task"):
                await anext(stream)
            go_on.set()
            await rest
            assert [item.to_dict() for item in found] == CHUNKS

    asyncio.run(main())


def test_leaving_a_broken_stream_harms_no_other_call(wire: Wire) -> None:
    """The connection of a stream that was cut off is another call's once its error is there, and is left to it."""
    go_on = threading.Event()
    wire.play(framed([*events(to_json(CHUNKS[0]), end=None)], content_type=EVENT_STREAM), [go_on, *PIECES])

    def ask() -> list[Any]:
        return list(client.chat.completions.create(**CHAT, stream=True))

    async def leave(stream: Any) -> list[Any]:
        items: AsyncItems[Any] = AsyncItems(stream, stream, stream.close, lambda: None)
        await anext(items)
        with pytest.raises(StreamInterruptedError):
            await anext(items)
        other = asyncio.create_task(
            asyncio.to_thread(lambda: list(client.chat.completions.create(**CHAT, stream=True)))
        )
        await asyncio.to_thread(wire.wait_for, lambda: len(wire.requests) == 2)
        items.close()
        go_on.set()
        return await other

    with OpenAI(api_key=KEY, base_url=wire.base_url, http_client=httpx.Client(), max_retries=0) as client:
        found = asyncio.run(leave(client.chat.completions.create(**CHAT, stream=True)))
    assert [item.to_dict() for item in found] == CHUNKS
    assert wire.opened == 1
