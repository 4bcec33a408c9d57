"""The programs for FastAPI."""

import os

import httpx
import openai
from fastapi import FastAPI

import ai_client
from ai_client_fastapi import AIClientDep, OfficialAIClientDep, ai_client_lifespan

from . import ASK

app = FastAPI(lifespan=ai_client_lifespan())


@app.get("/bad/ours")
async def bad_ours() -> str | None:
    """Build a client of this package for the request."""
    client = ai_client.AsyncOpenAI()
    answer = await client.chat.completions.create(**ASK)
    return answer.choices[0].message.content


@app.get("/bad/official")
async def bad_official() -> str | None:
    """Build a client of the official SDK for the request."""
    client = openai.AsyncOpenAI()
    answer = await client.chat.completions.create(**ASK)
    return answer.choices[0].message.content


@app.get("/bad/http")
async def bad_http() -> int:
    """Build a client of httpx for the request."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(os.environ["OPENAI_BASE_URL"] + "/models")
    return answer.status_code


@app.get("/good/ours")
async def good_ours(client: AIClientDep) -> str | None:
    """Use the client of the process, and a copy of it."""
    answer = await client.with_options(timeout=30).chat.completions.create(**ASK)
    return answer.choices[0].message.content


@app.get("/good/official")
async def good_official(client: OfficialAIClientDep) -> str | None:
    """Use the official client of the process, and a copy of it."""
    answer = await client.with_options(timeout=30).chat.completions.create(**ASK)
    return answer.choices[0].message.content
