"""Views of an application under contract: what each of them does."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from ai_client._answers.stream import AsyncStream, Stream
from ai_client._call.labels import current_labels, labels
from ai_client.client import AsyncOpenAI, OpenAI
from ai_client.types.chat import ChatCompletionChunk

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a private question"}]}
TENANT = "acme"
LONGEST_PAUSE = 60.0

resumed = threading.Event()
"""Set while `generate` may make its second call."""
resumed.set()


def ask(client: OpenAI) -> dict[str, str | None]:
    """Make one call; return its labels, for `/items/{pk}` to send as JSON.

    It leaves a label behind, which no later request may have.
    """
    client.chat.completions.create(**ASK)
    return _left()


async def ask_async(client: AsyncOpenAI) -> dict[str, str | None]:
    """Make one call like `ask`."""
    await client.chat.completions.create(**ASK)
    return _left()


def stream(client: OpenAI) -> Stream[ChatCompletionChunk]:
    """Open a stream, for `/stream` to relay."""
    opened: Stream[ChatCompletionChunk] = client.chat.completions.create(**ASK, stream=True)
    return opened


async def stream_async(client: AsyncOpenAI) -> AsyncStream[ChatCompletionChunk]:
    """Open a stream like `stream`."""
    opened: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(**ASK, stream=True)
    return opened


def generate(client: OpenAI) -> Iterator[dict[str, str | None]]:
    """Label the request; return a generator that makes two calls and yields their labels, for `/generate` to relay."""
    labels(tenant=TENANT)
    return _generate(client)


def _generate(client: OpenAI) -> Iterator[dict[str, str | None]]:
    client.chat.completions.create(**ASK)
    yield _told()
    resumed.wait(LONGEST_PAUSE)
    client.chat.completions.create(**ASK)
    yield _told()


def generate_async(client: AsyncOpenAI) -> AsyncIterator[dict[str, str | None]]:
    """Label the request and return a generator like that of `generate`."""
    labels(tenant=TENANT)
    return _generate_async(client)


async def _generate_async(client: AsyncOpenAI) -> AsyncIterator[dict[str, str | None]]:
    await client.chat.completions.create(**ASK)
    yield _told()
    await asyncio.to_thread(resumed.wait, LONGEST_PAUSE)
    await client.chat.completions.create(**ASK)
    yield _told()


def _told() -> dict[str, str | None]:
    found = current_labels()
    return {"endpoint": found.endpoint, "tenant": found.tenant}


def _left() -> dict[str, str | None]:
    found = _told()
    labels(tenant=TENANT)
    return found
