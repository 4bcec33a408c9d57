"""Calls that are chosen by chance: what they ask, and how their answers are read, left or cancelled."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ai_client import AsyncStream, OpenAIError, Stream

SHARED = 25
"""Questions that all processes ask, and a cache answers."""
KINDS = {
    "chat": 24,
    "stream": 18,
    "responses": 10,
    "responses stream": 8,
    "embeddings": 6,
    "unread": 4,
    "cached": 12,
    "left": 8,
    "cut": 10,
}
"""How often which call is made: those that are left are streams closed early, those that are cut are cancelled."""


def request(ident: str, kind: str, chance: random.Random) -> tuple[str, Callable[[Any], Any]]:
    """Return what a call is about, and a function that makes it on a client."""
    about = f"shared-{chance.randrange(SHARED)}" if kind == "cached" else ident
    text = f"{about} " + "a word and another " * (chance.randrange(3) if kind != "cached" else 1)
    model = chance.choice(["smart", "smart", "dear"]) if kind != "cached" else "dear"
    most = chance.randint(1, 60) if kind != "cached" else 40
    streams = kind in {"stream", "responses stream", "left"} or (kind == "cut" and chance.random() < 0.5)
    chat: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": most,
    }
    if kind == "embeddings":
        return about, lambda client: client.embeddings.create(model="vectors", input=text)
    if kind.startswith("responses"):
        asked = {"model": model, "input": text, "max_output_tokens": most, "stream": streams}
        return about, lambda client: client.responses.create(**asked)
    if kind == "unread":
        return about, lambda client: client.chat.completions.with_streaming_response.create(**chat)
    if kind == "cached":
        chat["temperature"] = 0
    return about, lambda client: client.chat.completions.create(**chat, stream=streams)


def read(answer: Any, most: int | None) -> bool:
    """Read an answer, or so many items of a stream; return whether that left some of it."""
    if isinstance(answer, Stream):
        with answer:
            return any(number == most for number, _ in enumerate(answer))
    if hasattr(answer, "__enter__"):
        with answer as response:
            response.read()
    return False


async def aread(answer: Any, most: int | None) -> bool:
    """Read an answer on the async client; see `read`."""
    if hasattr(answer, "__aenter__"):
        async with answer as response:
            await response.read()
        return False
    answer = await answer
    if isinstance(answer, AsyncStream):
        number = 0
        async with answer:
            async for _ in answer:
                if number == most:
                    return True
                number += 1
    return False


async def cancelled(work: Any, chance: random.Random) -> None:
    """Cancel a call after some moments, wherever it is by then."""
    task = asyncio.ensure_future(aread(work, None))
    await asyncio.sleep(chance.uniform(0, 0.04))
    task.cancel()
    with suppress(asyncio.CancelledError, OpenAIError):
        await task
