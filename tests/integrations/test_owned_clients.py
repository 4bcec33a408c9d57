"""A request cannot close the process's client, in any framework."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from django.conf import settings as django_settings
from django.test import override_settings
from fastapi import FastAPI
from fastapi.testclient import TestClient
from flask import Flask

from ai_client.testing import Upstream
from ai_client_django import ai_client, get_ai_client, get_async_ai_client
from ai_client_fastapi import AIClientDep, SyncAIClientDep, ai_client_lifespan
from ai_client_flask import AIClient, current_ai_client, get_async_ai_client as get_async_of_flask
from tests.support.invoke import CHAT

KEY = "any"


def ask(client: Any) -> str:
    """Make one sync call."""
    return client.chat.completions.create(**CHAT).choices[0].message.content or ""


async def close_async(client: Any) -> str:
    """Close an async client in three ways, with a call inside of each block and after all."""
    async with client as entered:
        await entered.chat.completions.create(**CHAT)
    await client.close()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(client)
    return (await client.chat.completions.create(**CHAT)).choices[0].message.content or ""


def close_sync(client: Any) -> str:
    """Close a sync client in three ways, with a call inside of each block and after all."""
    with client as entered:
        assert ask(entered)
    client.close()
    with contextlib.ExitStack() as stack:
        stack.enter_context(client)
    return ask(client)


def test_fastapi(ai_client_upstream: Upstream) -> None:
    """Routes that close the clients of FastAPI's dependencies get answers as before, over the same connections."""
    app = FastAPI(
        lifespan=ai_client_lifespan(
            {"base_url": ai_client_upstream.base_url, "api_key": KEY, "max_retries": 0}
        )
    )

    @app.get("/async")
    async def async_(client: AIClientDep) -> str:
        return await close_async(client)

    @app.get("/sync")
    def sync(client: SyncAIClientDep) -> str:
        return close_sync(client)

    with TestClient(app) as http:
        for path in ("/async", "/sync", "/async", "/sync"):
            assert http.get(path).json()
    assert ai_client_upstream.connections_opened == 2
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_flask(ai_client_upstream: Upstream) -> None:
    """Views that close the clients of Flask's extension or its proxy get answers as before."""
    app = Flask(__name__)
    app.config.update(
        AI_CLIENT_BASE_URL=ai_client_upstream.base_url, AI_CLIENT_API_KEY=KEY, AI_CLIENT_MAX_RETRIES=0
    )
    ai = AIClient(app)

    @app.get("/sync")
    def sync() -> str:
        return close_sync(ai.client)

    @app.get("/proxy")
    def proxy() -> str:
        return close_sync(current_ai_client)

    @app.get("/async")
    def async_() -> str:
        return asyncio.run(close_async(get_async_of_flask()))

    http = app.test_client()
    for path in ("/sync", "/proxy", "/async") * 2:
        answer = http.get(path)
        assert answer.status_code == 200
        assert answer.text
    assert ai_client_upstream.connections_opened == 2
    with app.app_context():
        kept = ai.client, ai.async_client
    assert not any(client.is_closed() for client in kept)
    with app.app_context():
        app.extensions["ai_client"].provider.close()


def test_django(ai_client_upstream: Upstream) -> None:
    """Views that close what the settings, the functions and the proxy give get answers as before."""
    options = {"base_url": ai_client_upstream.base_url, "api_key": KEY, "max_retries": 0}
    with override_settings(AI_CLIENT=options):
        kept: Any = django_settings.AI_CLIENT
        closings: list[Callable[[], object]] = [
            lambda: close_sync(get_ai_client()),
            lambda: close_sync(kept.client),
            kept.close,
            ai_client.close,
            lambda: asyncio.run(close_async(get_async_ai_client())),
            lambda: asyncio.run(close_async(kept.async_client)),
        ]
        for close in closings:
            close()
            assert ask(kept)
            assert ask(get_ai_client())
        clients = kept.client, kept.async_client
        assert ai_client_upstream.connections_opened == 2
    assert all(client.is_closed() for client in clients)
