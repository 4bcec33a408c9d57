"""The calls of one web request have one id in the journal, in each framework, the official SDK's calls too."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from flask import Flask
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse

from ai_client import ClientProvider, labels
from ai_client._call.labels import carry_labels, current_request
from ai_client.testing import Upstream
from ai_client_fastapi import ai_client_lifespan
from ai_client_flask import AIClient
from tests.support.invoke import CHAT, KEY

Get = Callable[[str], object]
CALLS = 4


def four(client: Any, official: Any) -> None:
    """Make a call as it is, one with other labels, one of another thread, and one of the official SDK's client."""
    client.chat.completions.create(**CHAT)
    with labels(tenant="acme"):
        client.chat.completions.create(**CHAT)
    thread = threading.Thread(target=carry_labels(lambda: client.chat.completions.create(**CHAT)))
    thread.start()
    thread.join()
    official.chat.completions.create(**CHAT)


async def afour(client: Any, official: Any) -> None:
    """Make the same with the async clients, one of them in a task."""
    await client.chat.completions.create(**CHAT)
    with labels(tenant="acme"):
        await client.chat.completions.create(**CHAT)
    async with asyncio.timeout(60):
        await asyncio.ensure_future(client.chat.completions.create(**CHAT))
    await official.chat.completions.create(**CHAT)


@contextmanager
def fastapi_site(options: dict[str, Any]) -> Iterator[Get]:
    """Run an application of FastAPI, whose background tasks make calls too."""
    app = FastAPI(lifespan=ai_client_lifespan(options))

    @app.get("/sync")
    def ask(request: Request) -> None:
        provider = request.app.state.ai_client
        four(provider.client, provider.official)

    @app.get("/async")
    async def aask(request: Request) -> PlainTextResponse:
        provider = request.app.state.ai_client
        await provider.async_client.chat.completions.create(**CHAT)
        later = BackgroundTask(afour, provider.async_client, provider.async_official)
        return PlainTextResponse("", background=later)

    with TestClient(app) as client:
        yield client.get


@contextmanager
def flask_site(options: dict[str, Any]) -> Iterator[Get]:
    """Run an application of Flask, a view of which streams."""
    app = Flask(__name__)
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    ai = AIClient(app)

    @app.get("/sync")
    def ask() -> str:
        four(ai.client, ai.official)
        return ""

    @app.get("/async")
    def stream() -> Any:
        def pieces() -> Iterator[str]:
            four(provider.client, provider.official)
            yield "done"

        provider = ai.provider
        ai.client.chat.completions.create(**CHAT)
        return pieces()

    yield app.test_client().get
    with app.app_context():
        ai.provider.close()


def django_ask(request: HttpRequest) -> HttpResponse:
    """Make four calls."""
    del request
    provider = settings.AI_CLIENT.provider
    four(provider.client, provider.official)
    return HttpResponse()


async def django_aask(request: HttpRequest) -> HttpResponse:
    """Make five calls with the async client."""
    del request
    provider = settings.AI_CLIENT.provider
    await provider.async_client.chat.completions.create(**CHAT)
    await afour(provider.async_client, provider.async_official)
    return HttpResponse()


urlpatterns = [path("sync", django_ask), path("async", django_aask)]


@contextmanager
def django_site(options: dict[str, Any]) -> Iterator[Get]:
    """Run an application of Django, served sync and async."""

    def get(where: str) -> object:
        if where == "/sync":
            return Client().get(where)
        return asyncio.run(_aget(where))

    with override_settings(AI_CLIENT={"default": options}, ROOT_URLCONF=__name__):
        yield get


async def _aget(where: str) -> object:
    async with asyncio.timeout(60):
        return await AsyncClient().get(where)


SITES = {"fastapi": fastapi_site, "flask": flask_site, "django": django_site}


@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_calls_of_a_request_have_one_id(site: Any, upstream: Upstream, tmp_path: Path) -> None:
    """All calls of a request share an id that no other request has, whatever thread, task or client makes them."""
    controls = {"journal": {"per_second": 1000}, "store": f"sqlite:///{tmp_path / 'store.db'}"}
    options: dict[str, Any] = {"api_key": KEY, "base_url": upstream.base_url, "controls": controls}
    with site(options) as get:
        for where in ("/sync", "/sync", "/async"):
            get(where)
    reader = ClientProvider(**options)
    reader.client.chat.completions.create(**CHAT)
    entries = reader.journal.entries()[::-1]
    reader.close()
    requests = [entry.request for entry in entries]
    assert len(entries) == 2 * CALLS + CALLS + 1 + 1
    first, second, third = (requests[0], requests[CALLS], requests[2 * CALLS])
    assert requests == [*[first] * CALLS, *[second] * CALLS, *[third] * (CALLS + 1), None]
    assert len({first, second, third, None}) == 4
    assert {entry.endpoint for entry in entries[:CALLS]} <= {"/sync", "sync"}
    assert [entry.tenant for entry in entries[:CALLS]].count("acme") == 1


def test_outside_of_a_request_there_is_none() -> None:
    """Labels alone make no request."""
    with labels(tenant="acme"):
        assert current_request() is None
