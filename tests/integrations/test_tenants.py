"""Tenants with keys of their own in each framework: what labels a request decides whose key its calls are made with."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Annotated, Any

import pytest
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.test import Client, override_settings
from django.urls import path
from fastapi import Depends, FastAPI, Header
from fastapi.testclient import TestClient
from flask import Flask, jsonify, request

from ai_client import Labels, labels
from ai_client.testing import Recorded, Reply, Upstream
from ai_client_django import get_async_ai_client, stream_response as django_stream
from ai_client_fastapi import AIClientDep, SyncAIClientDep, ai_client_lifespan, stream_response
from ai_client_flask import AIClient, stream_response as flask_stream
from tests.support.invoke import CHAT, KEY
from tests.support.tenants import key_of, sent

PATH = "tests.integrations.test_tenants.credentials_of"
Ask = Callable[[str, str], str]
"""Takes a path and a tenant; returns the text of the answer."""


def credentials_of(labels: Labels) -> Any:
    """Return the key of a tenant; calls of nobody have none."""
    return None if labels.tenant is None else {"api_key": key_of(labels.tenant)}


def by_key(recorded: Recorded) -> Reply:
    """Answer with the key that was sent, whole or as a stream."""
    return Reply(content=recorded.headers["authorization"].removeprefix("Bearer "))


def said(answer: Any) -> str:
    """Return the text of an answer."""
    return str(answer.choices[0].message.content)


@contextmanager
def fastapi_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of FastAPI whose dependency labels the request."""

    def tenant(x_tenant: Annotated[str | None, Header()] = None) -> None:
        labels(tenant=x_tenant)

    app = FastAPI(lifespan=ai_client_lifespan(options), dependencies=[Depends(tenant)])

    @app.get("/async")
    async def ask(client: AIClientDep) -> str:
        return said(await client.chat.completions.create(**CHAT))

    @app.get("/sync")
    def ask_in_a_thread(client: SyncAIClientDep) -> str:
        return said(client.chat.completions.create(**CHAT))

    @app.get("/stream")
    async def stream(client: AIClientDep) -> Any:
        return stream_response(client.chat.completions.create(**CHAT, stream=True))

    with TestClient(app) as client:
        yield lambda where, who: client.get(where, headers={"X-Tenant": who} if who else {}).text


@contextmanager
def flask_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of Flask that labels each request before it is handled."""
    app = Flask(__name__)
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    ai = AIClient(app)

    @app.before_request
    def tenant() -> None:
        labels(tenant=request.headers.get("X-Tenant"))

    @app.get("/sync")
    def ask() -> Any:
        return jsonify(said(ai.client.chat.completions.create(**CHAT)))

    @app.get("/async")
    async def ask_in_a_loop() -> Any:
        return jsonify(said(await ai.async_client.chat.completions.create(**CHAT)))

    @app.get("/stream")
    def stream() -> Any:
        return flask_stream(ai.client.chat.completions.create(**CHAT, stream=True))

    yield lambda where, who: app.test_client().get(where, headers={"X-Tenant": who} if who else {}).text
    with app.app_context():
        ai.provider.close()


def django_ask(given: HttpRequest) -> JsonResponse:
    """Answer with the key that was sent."""
    labels(tenant=given.headers.get("X-Tenant"))
    client: Any = settings.AI_CLIENT
    return JsonResponse(said(client.chat.completions.create(**CHAT)), safe=False)


async def django_ask_in_a_loop(given: HttpRequest) -> JsonResponse:
    """Do the same in an async view."""
    labels(tenant=given.headers.get("X-Tenant"))
    return JsonResponse(said(await get_async_ai_client().chat.completions.create(**CHAT)), safe=False)


def django_streamed(given: HttpRequest) -> Any:
    """Stream an answer."""
    labels(tenant=given.headers.get("X-Tenant"))
    client: Any = settings.AI_CLIENT
    return django_stream(client.chat.completions.create(**CHAT, stream=True))


urlpatterns = [
    path("sync", django_ask),
    path("async", django_ask_in_a_loop),
    path("stream", django_streamed),
]


@contextmanager
def django_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of Django whose views label the request."""

    def ask(where: str, who: str) -> str:
        answer = Client(headers={"X-Tenant": who} if who else {}).get(where)
        return (answer.getvalue() if answer.streaming else answer.content).decode()

    with override_settings(AI_CLIENT=options, ROOT_URLCONF=__name__):
        yield ask


SITES = {"fastapi": fastapi_site, "flask": flask_site, "django": django_site}


@pytest.fixture(params=SITES)
def ask(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Ask]:
    """Yield what asks each of the three applications, in turn."""
    upstream.always(by_key)
    options = {"api_key": KEY, "base_url": upstream.base_url, "credentials": PATH}
    with SITES[request.param](options) as ask:
        yield ask


@pytest.mark.parametrize("where", ["/sync", "/async", "/stream"])
def test_a_request_is_its_tenants(ask: Ask, upstream: Upstream, where: str) -> None:
    """Sync and async views and streams make their calls with the key of the tenant of their request."""
    for tenant in ("a", "b", "", "a"):
        assert (key_of(tenant) if tenant else KEY) in ask(where, tenant)
    assert sent(upstream) == [key_of("a"), key_of("b"), KEY, key_of("a")]
    assert upstream.connections_opened <= 2


def test_requests_at_once_keep_their_tenants(ask: Ask) -> None:
    """Requests of several tenants that are served at once each have their own key."""
    start = threading.Barrier(4)

    def one(tenant: str) -> bool:
        start.wait(30)
        return all(key_of(tenant) in ask("/sync", tenant) for _ in range(10))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(one, "abcd"))
