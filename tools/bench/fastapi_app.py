"""The FastAPI application of the endpoint benchmark: one chat call per request, with several ways to get a client.

`uvicorn tools.bench.fastapi_app:NAME` serves one of them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
from fastapi import FastAPI, Request

import ai_client
from ai_client_fastapi import AIClientDep, ai_client_lifespan

ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello?"}]}


def ours_shared() -> FastAPI:
    """Use our client as a dependency: one per process."""
    app = FastAPI(lifespan=ai_client_lifespan())

    @app.get("/ask")
    async def ask(client: AIClientDep) -> str | None:
        return (await client.chat.completions.create(**ASK)).choices[0].message.content

    return app


def ours_per_request() -> FastAPI:
    """Build our client in the handler."""
    app = FastAPI()

    @app.get("/ask")
    async def ask() -> str | None:
        client = ai_client.AsyncOpenAI()
        return (await client.chat.completions.create(**ASK)).choices[0].message.content

    return app


def official_shared() -> FastAPI:
    """Keep one official client in a handwritten lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with openai.AsyncOpenAI() as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/ask")
    async def ask(request: Request) -> str | None:
        return (await request.app.state.client.chat.completions.create(**ASK)).choices[0].message.content

    return app


def official_per_request() -> FastAPI:
    """Build an official client in the handler, as many services do."""
    app = FastAPI()

    @app.get("/ask")
    async def ask() -> str | None:
        client = openai.AsyncOpenAI()
        return (await client.chat.completions.create(**ASK)).choices[0].message.content

    return app
