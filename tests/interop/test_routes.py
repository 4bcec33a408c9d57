"""A library in the routes of an application, which get the client from FastAPI's `Depends`."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ai_client.testing import Upstream
from ai_client_fastapi import (
    AIClientDep,
    OfficialAIClientDep,
    SyncAIClientDep,
    SyncOfficialAIClientDep,
    ai_client_lifespan,
)
from handing import KEY
from libraries.side import Side
from prepared import TEXT

CONNECTIONS = 2
PROMPT = "What is the weather like?"


def handed(side: type[Side], client: Any, official: Any) -> Any:
    """Return what a side is handed in a route: the official client that was injected, or what it makes of ours."""
    given = side.given(client)
    assert given is official or not isinstance(given, type(official))
    return given


def application(side: type[Side], upstream: Upstream) -> FastAPI:
    """Return an application with a route that asks the library, sync or async as that is."""
    app = FastAPI(
        lifespan=ai_client_lifespan(
            api_key=KEY, base_url=upstream.base_url, max_connections=CONNECTIONS, max_retries=0
        )
    )
    if inspect.iscoroutinefunction(side.plain):

        @app.get("/ask")
        async def ask(client: AIClientDep, official: OfficialAIClientDep) -> str:
            return await side(handed(side, client, official)).plain(PROMPT)

    elif side.takes == "async":

        @app.get("/ask")
        def ask_in_thread(client: AIClientDep, official: OfficialAIClientDep) -> str:
            return side(handed(side, client, official)).plain(PROMPT)

    else:

        @app.get("/ask")
        def ask_sync(client: SyncAIClientDep, official: SyncOfficialAIClientDep) -> str:
            return side(handed(side, client, official)).plain(PROMPT)

    return app


@pytest.mark.ours
@pytest.mark.needs("plain")
def test_routes(side: type[Side], upstream: Upstream) -> None:
    """Requests at the same time share the connections of the application's client."""
    upstream.always(content=TEXT, delay=0.02)
    with TestClient(application(side, upstream)) as http, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: http.get("/ask").json(), range(8)))
    assert answers == [TEXT] * 8
    assert upstream.connections_opened <= CONNECTIONS
