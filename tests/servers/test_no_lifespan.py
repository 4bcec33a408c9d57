"""FastAPI and Starlette under servers that run no lifespan: clients start at first use, or an error says what to do."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from websockets.asyncio.client import connect

from ai_client.testing import Upstream
from tests.support.servers import Served, serving

pytestmark = pytest.mark.slow

SERVERS = {
    "daphne": ("daphne", "-b", "127.0.0.1", "-p", "{port}"),
    "uvicorn": ("uvicorn", "--port", "{port}", "--lifespan", "off"),
}
SITE = "tests.support.sites.no_lifespan"


@contextmanager
def served(upstream: Upstream, server: str, app: str) -> Iterator[Served]:
    """Serve an application of the site."""
    with serving(
        *SERVERS[server], f"{SITE}:{app}", OPENAI_API_KEY="any", OPENAI_BASE_URL=upstream.base_url
    ) as running:
        yield running


@pytest.mark.parametrize("app", ["starlette", "router"])
@pytest.mark.parametrize("server", SERVERS)
def test_start_at_first_use(ai_client_upstream: Upstream, server: str, app: str) -> None:
    """The first requests, at once, start one client; those after them have their labels, and the server ends."""
    with (
        served(ai_client_upstream, server, app) as running,
        httpx.Client(base_url=running.url, timeout=60) as http,
    ):
        with ThreadPoolExecutor(8) as pool:
            first = [answer.json()[0] for answer in pool.map(http.get, ["/in/x/1"] * 16)]
        client, label = http.get("/in/in/in").json()
        assert {client} == set(first)
        assert label == "/in/{a}/{b}"
        assert running.log.count("The server runs no lifespan") == 1
        assert running.stop() in {0, -15}
    assert len(ai_client_upstream.requests) == 17


@pytest.mark.parametrize("server", SERVERS)
def test_start_at_a_websocket(ai_client_upstream: Upstream, server: str) -> None:
    """A WebSocket may be the first that asks for a client; the next one has its label."""

    async def talk(address: str) -> list[str | None]:
        async with connect(address) as socket:
            text = await socket.recv()
            label = text if isinstance(text, str) else text.decode()
        return [label.rpartition(",")[2].strip(' ]"')]

    with served(ai_client_upstream, server, "starlette") as running:
        address = f"{running.url.replace('http', 'ws')}/talk/1"
        assert asyncio.run(talk(address)) == ["null"]
        assert asyncio.run(talk(address)) == ["/talk/{c}"]
        running.stop()


@pytest.mark.parametrize("server", SERVERS)
def test_a_lifespan_that_cannot_be_found(ai_client_upstream: Upstream, server: str) -> None:
    """Where a lifespan is called inside another, the log names the servers and the remedy, and no call is made."""
    with served(ai_client_upstream, server, "nested") as running:
        assert httpx.get(f"{running.url}/in/1", timeout=60).status_code == 500
        assert "daphne or uvicorn --lifespan off" in running.log
        assert "ai_client_lifespan(wraps=...)" in running.log
        running.stop()
    assert not ai_client_upstream.requests
