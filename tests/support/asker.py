"""A process that asks for one embedding through a cache: `python -m tests.support.asker STORE URL sync|async`."""

import asyncio
import hashlib
import sys
from typing import Any

from ai_client import AsyncOpenAI, OpenAI
from ai_client.control.cache.policy import Cache
from ai_client.control.record import call_record
from ai_client.stores import open_store

ASK: dict[str, Any] = {"model": "text-embedding-3-small", "input": "x", "dimensions": 8}


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def ask_async(options: dict[str, Any]) -> Any:
    """Ask the async client."""
    async with AsyncOpenAI(**options) as client:
        return await client.embeddings.create(**ASK)


def main(store_url: str, base_url: str, kind: str) -> None:
    """Ask, and say what the cache did and a digest of the answer."""
    store = open_store(store_url)
    options: dict[str, Any] = {"base_url": base_url, "api_key": "any", "layers": [Cache("all", store)]}
    say("ready")
    sys.stdin.readline()
    say("asking")
    if kind == "async":
        answer = asyncio.run(ask_async(options))
    else:
        with OpenAI(**options) as client:
            answer = client.embeddings.create(**ASK)
    record = call_record(answer)
    assert record is not None
    say(f"{record.cache} {hashlib.sha256(answer.to_json().encode()).hexdigest()}")
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
