"""The application that the tests of the FastAPI adapter serve with uvicorn."""

import asyncio
import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from ai_client import AsyncOpenAI, OpenAI
from ai_client_fastapi import (
    AIClientDep,
    SyncAIClientDep,
    add_ai_client_error_handlers,
    ai_client_lifespan,
    cancel_on_disconnect,
    stream_response,
)

ASK: dict[str, Any] = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello?"}]}

app = FastAPI(lifespan=ai_client_lifespan({"max_retries": 0}))
add_ai_client_error_handlers(app)
built: list[str] = []


def count(kind: type[Any]) -> None:
    """Note each client of a kind that is built in this process."""
    make = kind.__init__

    def counted(self: object, **options: Any) -> None:
        built.append(kind.__name__)
        make(self, **options)

    kind.__init__ = counted


count(AsyncOpenAI)
count(OpenAI)


@app.get("/ask")
async def ask(client: AIClientDep) -> dict[str, Any]:
    """Make a call; tell in which process and what was built there."""
    await client.chat.completions.create(**ASK)
    return {"process": os.getpid(), "built": built}


@app.get("/twice")
async def twice(client: AIClientDep) -> str | None:
    """Make a call, and another when the server has been told to end."""
    await client.chat.completions.create(**ASK)
    while app.state.ai_client.state == "open":
        await asyncio.sleep(0.01)
    return (await client.chat.completions.create(**ASK)).choices[0].message.content


@app.get("/left")
async def left(client: AIClientDep) -> dict[str, int]:
    """Count the tasks and the descriptors of this process; its client is built."""
    del client
    return {"tasks": len(asyncio.all_tasks()), "descriptors": sum(1 for _ in Path("/dev/fd").iterdir())}


@app.get("/awaited")
async def awaited(request: Request, client: AIClientDep) -> str | None:
    """Make a call that is given up when the reader leaves."""
    answer = await cancel_on_disconnect(request, client.chat.completions.create(**ASK))
    return answer.choices[0].message.content


@app.get("/stream")
async def stream(client: AIClientDep) -> Response:
    """Stream, and let the response open the stream."""
    return stream_response(client.chat.completions.create(**ASK, stream=True))


@app.get("/opened")
async def opened(client: AIClientDep) -> Response:
    """Stream what was opened before."""
    return stream_response(await client.chat.completions.create(**ASK, stream=True))


@app.get("/sync")
def sync(client: SyncAIClientDep) -> Response:
    """Stream what blocks a thread."""
    return stream_response(client.chat.completions.create(**ASK, stream=True))
