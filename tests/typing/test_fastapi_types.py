"""What type checkers make of an application that uses the FastAPI adapter."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any, assert_type

from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse

from ai_client import AsyncOpenAI, ClientProvider, OpenAI
from ai_client.types.chat import ChatCompletion
from ai_client_fastapi import (
    AIClientDep,
    SyncAIClientDep,
    add_ai_client_error_handlers,
    ai_client,
    ai_client_lifespan,
    ai_client_router,
    cancel_on_disconnect,
    get_ai_client,
    stream_response,
)


@asynccontextmanager
async def stateless(_app: FastAPI) -> AsyncGenerator[None]:
    yield


@asynccontextmanager
async def stateful(_app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    yield {"answer": 42}


def check_lifespans() -> None:
    FastAPI(lifespan=ai_client_lifespan())
    FastAPI(lifespan=ai_client_lifespan({"timeout": 3}, wraps=stateless, warm=["chat.completions"]))
    FastAPI(lifespan=ai_client_lifespan(ClientProvider(), wraps=stateful))
    app = FastAPI()
    app.include_router(ai_client_router(aliases={"azure": {"timeout": 3}}))
    add_ai_client_error_handlers(app)
    app.dependency_overrides[get_ai_client] = lambda: None


async def check_clients(
    client: AIClientDep,
    sync: SyncAIClientDep,
    azure: Annotated[AsyncOpenAI, Depends(ai_client("azure"))],
) -> None:
    assert_type(client, AsyncOpenAI)
    assert_type(sync, OpenAI)
    assert_type(azure, AsyncOpenAI)


async def check_responses(request: Request, client: AIClientDep, sync: SyncAIClientDep) -> None:
    opening = client.chat.completions.create(model="m", messages=[], stream=True)
    assert_type(
        stream_response(opening, transform=lambda chunk: chunk.choices[0].delta.content), StreamingResponse
    )
    stream = await client.chat.completions.create(model="m", messages=[], stream=True)
    assert_type(stream_response(stream, transform=lambda chunk: chunk.id), StreamingResponse)
    items = sync.chat.completions.create(model="m", messages=[], stream=True)
    assert_type(stream_response(items, transform=lambda chunk: chunk.id), StreamingResponse)
    answer = client.chat.completions.create(model="m", messages=[])
    assert_type(await cancel_on_disconnect(request, answer), ChatCompletion)
