"""Clients that are built in views of each framework are found; those of a provider are not."""

import asyncio
import logging
import threading

import pytest
from fastapi import BackgroundTasks, FastAPI
from starlette.testclient import TestClient

from ai_client import AsyncOpenAI, OpenAI
from ai_client.detector import ExtraClients, counts
from ai_client_fastapi import AIClientDep, ai_client_lifespan


def build() -> None:
    """Build a client, as a helper of a view does."""
    OpenAI(api_key="key")


def application(*, debug: bool) -> FastAPI:
    """Return an application whose views build clients in several ways."""
    app = FastAPI(lifespan=ai_client_lifespan(api_key="key"), debug=debug)

    @app.get("/view")
    async def view() -> None:
        AsyncOpenAI(api_key="key")

    @app.get("/thread")
    async def thread() -> None:
        await asyncio.to_thread(build)

    @app.get("/own-thread")
    def own_thread() -> None:
        started = threading.Thread(target=build)
        started.start()
        started.join()

    @app.get("/task")
    async def task() -> None:
        async def work() -> None:
            build()

        await asyncio.create_task(work())

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(build)

    @app.get("/provider")
    async def provider(client: AIClientDep) -> None:
        client.with_options(timeout=3)
        client.copy(api_key="other")

    return app


def found() -> list[tuple[str, str, int]]:
    """Return the functions that built clients, with their classes and numbers."""
    return [(one.function.rpartition(".")[2], one.client, one.count) for one in counts()]


def test_client_of_a_view_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """A line of a view that builds a client per request is warned of once, with its file, number and rate."""
    with caplog.at_level(logging.WARNING, "ai_client.detector"), TestClient(application(debug=True)) as http:
        for _ in range(10):
            http.get("/view").raise_for_status()
    [line] = counts()
    assert line == ExtraClients(__file__, line.line, line.function, "ai_client.AsyncOpenAI", 10, line.seconds)
    [said] = [record.getMessage() for record in caplog.records if record.name == "ai_client.detector"]
    assert f"{__file__}:{line.line}" in said
    assert "2 clients in" in said
    assert "AIClientDep" in said


@pytest.mark.parametrize("way", ["thread", "own-thread", "task", "background"])
def test_ways_of_a_request(way: str) -> None:
    """A client is found that is built in a thread, a task or a background task of a request."""
    with TestClient(application(debug=True)) as http:
        for _ in range(3):
            http.get(f"/{way}").raise_for_status()
    assert found() == [("build", "ai_client.OpenAI", 3)]


def test_clients_of_the_provider() -> None:
    """The provider's client and its copies are none that a request builds."""
    with TestClient(application(debug=True)) as http:
        for _ in range(3):
            http.get("/provider").raise_for_status()
    assert counts() == []


def test_without_debug() -> None:
    """Nothing is counted where the application is not in debug mode and nobody asks for it."""
    with TestClient(application(debug=False)) as http:
        for _ in range(3):
            http.get("/view").raise_for_status()
    assert counts() == []
