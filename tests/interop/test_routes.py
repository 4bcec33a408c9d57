"""A library in the routes of an application, which get the client from FastAPI's `Depends`."""

import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest
from ai_client_fastapi import OfficialAIClientDep, SyncOfficialAIClientDep, ai_client_lifespan
from fastapi import FastAPI
from fastapi.testclient import TestClient
from handing import KEY
from libraries.side import Side
from prepared import TEXT

from ai_client.testing import Upstream

CONNECTIONS = 2
PROMPT = "What is the weather like?"


def application(side: type[Side], upstream: Upstream) -> FastAPI:
    """Return an application with a route that asks the library, sync or async as that is."""
    app = FastAPI(
        lifespan=ai_client_lifespan(
            api_key=KEY, base_url=upstream.base_url, max_connections=CONNECTIONS, max_retries=0
        )
    )
    if inspect.iscoroutinefunction(side.plain):

        @app.get("/ask")
        async def ask(client: OfficialAIClientDep) -> str:
            return await side(client).plain(PROMPT)

    elif side.takes == "async":

        @app.get("/ask")
        def ask_in_thread(client: OfficialAIClientDep) -> str:
            return side(client).plain(PROMPT)

    else:

        @app.get("/ask")
        def ask_sync(client: SyncOfficialAIClientDep) -> str:
            return side(client).plain(PROMPT)

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
