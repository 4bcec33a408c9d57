"""The echo application of FastAPI."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import Response, StreamingResponse

from ai_client import AsyncOpenAI
from ai_client_fastapi import AIClientDep, SyncAIClientDep, ai_client_lifespan, stream_response
from tests.support.echo.made import made, question, settings

app = FastAPI(lifespan=ai_client_lifespan(settings(os.environ)))


@app.get("/sync/{number}")
def ask(number: str, client: SyncAIClientDep) -> dict[str, Any]:
    """Call the sync client."""
    return made(client, client.chat.completions.create(**question(number)))


@app.get("/async/{number}")
async def ask_async(number: str, client: AIClientDep) -> dict[str, Any]:
    """Await the async client."""
    return made(client, await client.chat.completions.create(**question(number)))


@app.get("/two/{number}")
async def two(number: str, client: AIClientDep) -> list[dict[str, Any]]:
    """Make two calls, one after the other."""
    return [made(client, await client.chat.completions.create(**question(number))) for _ in range(2)]


@app.get("/generator/{number}")
async def generator(number: str, client: AIClientDep) -> Response:
    """Make two calls while the body is sent, with a pause between them."""

    async def body() -> AsyncIterator[str]:
        for _ in range(2):
            completion = await client.chat.completions.create(**question(number))
            yield f"{completion.choices[0].message.content}\n"
            await asyncio.sleep(0.5)

    return StreamingResponse(body())


@app.get("/stream/{number}")
async def stream(number: str, client: AIClientDep) -> Response:
    """Pass on a stream."""
    return stream_response(await client.chat.completions.create(stream=True, **question(number)))


@app.get("/background/{number}")
async def background(number: str, client: AIClientDep, tasks: BackgroundTasks) -> dict[str, Any]:
    """Make a call, and another after the response."""
    answer = made(client, await client.chat.completions.create(**question(number)))
    tasks.add_task(_later, client, number)
    return answer


async def _later(client: AsyncOpenAI, number: str) -> None:
    await asyncio.sleep(0.5)
    await client.chat.completions.create(**question(number))
