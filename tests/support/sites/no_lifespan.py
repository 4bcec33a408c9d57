"""Applications for servers that run no lifespan: what finds its clients there, and what cannot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ai_client import current_labels
from ai_client_fastapi import AIClientDep, ai_client_lifespan, ai_client_router, get_ai_client

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
clients = ai_client_lifespan()


async def ask(request: Request) -> Response:
    """Make a call, and tell the client and the label."""
    client = await get_ai_client(request)
    await client.chat.completions.create(**ASK)
    return JSONResponse([id(client), current_labels().endpoint])


async def talk(socket: WebSocket) -> None:
    """Make a call over a WebSocket."""
    await socket.accept()
    client = await get_ai_client(socket)
    await client.chat.completions.create(**ASK)
    await socket.send_json([id(client), current_labels().endpoint])
    await socket.close()


ROUTES = [Mount("/in/{a}", routes=[Route("/{b}", ask)]), WebSocketRoute("/talk/{c}", talk)]
starlette = Starlette(routes=ROUTES, lifespan=clients)

router = FastAPI()
router.include_router(ai_client_router())
router.mount("/", Starlette(routes=ROUTES))


@asynccontextmanager
async def own(app: FastAPI) -> AsyncIterator[None]:
    """Call the lifespan inside, where nothing can find it before it runs."""
    async with clients(app):
        yield


nested = FastAPI(lifespan=own)


@nested.get("/in/{b}")
async def ask_nested(b: str, client: AIClientDep) -> str:
    """Get a client."""
    del client
    return b
