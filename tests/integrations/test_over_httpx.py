"""The clients of each framework over httpx's own transport, where tools that patch it find their requests."""

import asyncio

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from pytest_django import Settings

from ai_client_fastapi import AIClientDep, SyncAIClientDep, ai_client_lifespan
from ai_client_flask import AIClient, get_ai_client, get_async_ai_client
from tests.support.invoke import CHAT, KEY
from tests.support.patched_httpx import NOWHERE, Patched, text_of


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Patched:
    """Patch httpx's transports."""
    return Patched(monkeypatch)


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_fastapi(patched: Patched) -> None:
    """Both clients of a FastAPI application send through the patched transport."""
    app = FastAPI(lifespan=ai_client_lifespan({"base_url": NOWHERE, "api_key": KEY}))

    @app.get("/async")
    async def ask(client: AIClientDep) -> str:
        return text_of(await client.chat.completions.create(**CHAT))

    @app.get("/sync")
    def ask_sync(client: SyncAIClientDep) -> str:
        return text_of(client.chat.completions.create(**CHAT))

    with TestClient(app) as http:
        assert [http.get(path).json() for path in ("/async", "/sync")] == ["mocked", "mocked"]
    assert len(patched.requests) == 2


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_flask(patched: Patched) -> None:
    """Both clients of a Flask application send through the patched transport, from whichever event loop."""
    app = Flask(__name__)
    app.config.update(AI_CLIENT_BASE_URL=NOWHERE, AI_CLIENT_API_KEY=KEY)
    extension = AIClient(app)

    @app.get("/sync")
    def ask_sync() -> str:
        return text_of(get_ai_client().chat.completions.create(**CHAT))

    @app.get("/async")
    async def ask() -> str:
        return text_of(await get_async_ai_client().chat.completions.create(**CHAT))

    http = app.test_client()
    assert [http.get(path).text for path in ("/async", "/sync", "/async")] == ["mocked"] * 3
    assert len(patched.requests) == 3
    with app.app_context():
        extension.provider.close()


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_django(patched: Patched, settings: Settings) -> None:
    """Both clients of a Django project send through the patched transport."""
    settings.AI_CLIENT = {"base_url": NOWHERE, "api_key": KEY}
    handle = settings.AI_CLIENT
    assert text_of(handle.client.chat.completions.create(**CHAT)) == "mocked"
    assert text_of(asyncio.run(handle.async_client.chat.completions.create(**CHAT))) == "mocked"
    assert len(patched.requests) == 2
