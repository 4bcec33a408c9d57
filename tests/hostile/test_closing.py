"""Clients that are closed under their calls."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    AsyncOpenAI,
    ClientClosedError,
    ClientProvider,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    OpenAI,
)
from tests.support.hostile.framing import EVENT_STREAM, events, framed
from tests.support.hostile.shapes import chat_events
from tests.support.hostile.wire import HOLD, Wire
from tests.support.invoke import CHAT, KEY

ONE = httpx.Limits(max_connections=1)
BLOCKING: dict[str, Callable[[], dict[str, Any]]] = {
    "pool": lambda: {"max_connections": 1},
    "default client": lambda: {"http_client": DefaultHttpxClient(limits=ONE)},
}
AWAITABLE: dict[str, Callable[[], dict[str, Any]]] = {
    "pool": lambda: {"max_connections": 1},
    "default client": lambda: {"http_client": DefaultAsyncHttpxClient(limits=ONE)},
}


@pytest.mark.parametrize("kind", BLOCKING)
def test_calls_that_wait_for_a_connection_hear_that_the_client_is_closed(
    wire: Wire, sync: bool, kind: str
) -> None:
    """Of two calls over one connection, the one under way fails as broken off, the one that waits as too late."""
    wire.play([HOLD])
    options = {"api_key": KEY, "base_url": wire.base_url, "max_retries": 0}
    errors: list[BaseException] = []

    def waiting(client: Any) -> int:
        pool = client._sender.pool if kind == "pool" else client._sender.client._transport
        return int(pool.stats().waiting)

    def threads() -> None:
        client = OpenAI(**options, **BLOCKING[kind]())  # type: ignore[arg-type]

        def call() -> None:
            try:
                client.models.retrieve("m")
            except Exception as error:  # noqa: BLE001 -- for the assert below
                errors.append(error)

        calls = [threading.Thread(target=call) for _ in range(2)]
        for each in calls:
            each.start()
        wire.wait_for(lambda: len(wire.requests) == 1)
        while not waiting(client):
            pass
        client.close()
        for each in calls:
            each.join()

    async def tasks() -> None:
        client = AsyncOpenAI(**options, **AWAITABLE[kind]())  # type: ignore[arg-type]
        calls = [asyncio.create_task(client.models.retrieve("m")) for _ in range(2)]
        await asyncio.to_thread(wire.wait_for, lambda: len(wire.requests) == 1)
        await client.close()
        errors.extend(await asyncio.gather(*calls, return_exceptions=True))  # type: ignore[arg-type]

    if sync:
        threads()
    else:
        asyncio.run(tasks())
    assert {type(error) for error in errors} == {APIConnectionError, ClientClosedError}


def test_leaving_a_providers_stream_closes_its_connection(wire: Wire) -> None:
    """A stream of a provider's client that is left early lets go of its connection and of its place at once."""
    wire.play([*framed([*events(*chat_events(), end=None)], "chunked", content_type=EVENT_STREAM)[:2], HOLD])
    provider = ClientProvider({"api_key": KEY, "base_url": wire.base_url, "max_connections": 1})
    stream = provider.client.chat.completions.create(**CHAT, stream=True)
    next(stream)
    stream.close()
    wire.wait_for(lambda: wire.open == 0)

    async def main() -> None:
        stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
        await anext(stream)
        await stream.close()
        await asyncio.to_thread(wire.wait_for, lambda: wire.open == 0)

    asyncio.run(main())
    provider.close()
