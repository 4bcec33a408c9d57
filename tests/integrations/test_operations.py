"""What a view of each framework shows of budgets and usage, and what it may change."""

from collections.abc import Callable, Iterator
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
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ai_client import labels
from ai_client.testing import Upstream
from ai_client_fastapi import (
    AIBudgetsDep,
    AIClientDep,
    AIUsageDep,
    ai_client_lifespan,
    get_ai_budgets,
    get_ai_client,
    get_ai_usage,
)
from ai_client_flask import AIClient
from tests.support.invoke import CHAT, KEY

Ask = Callable[[str, str], Any]
"""Takes a path and a tenant; returns the decoded answer."""


async def shown(budgets: Any, usage: Any) -> dict[str, Any]:
    """Return what is left to the tenant of the request, and what all tenants have used."""
    (state,) = await budgets.aremaining()
    rows = await usage.areport(by=["tenant"])
    return {
        "left": [state.scope, state.remaining],
        "calls": {row.labels["tenant"]: row.calls for row in rows},
    }


def shown_sync(budgets: Any, usage: Any) -> dict[str, Any]:
    """Return the same, read by blocking."""
    (state,) = budgets.remaining()
    rows = usage.report(by=["tenant"])
    return {
        "left": [state.scope, state.remaining],
        "calls": {row.labels["tenant"]: row.calls for row in rows},
    }


@contextmanager
def fastapi_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of FastAPI whose dependency labels the request."""

    def tenant(x_tenant: Annotated[str, Header()]) -> None:
        labels(tenant=x_tenant)

    app = FastAPI(lifespan=ai_client_lifespan(options), dependencies=[Depends(tenant)])

    @app.get("/ask")
    async def ask(client: AIClientDep) -> None:
        await client.chat.completions.create(**CHAT)

    @app.get("/left")
    async def left(budgets: AIBudgetsDep, usage: AIUsageDep) -> dict[str, Any]:
        return await shown(budgets, usage)

    @app.get("/left_sync")
    def left_sync(budgets: AIBudgetsDep, usage: AIUsageDep) -> dict[str, Any]:
        return shown_sync(budgets, usage)

    @app.get("/grant")
    async def grant(budgets: AIBudgetsDep) -> Any:
        return await budgets.agrant(2)

    with TestClient(app) as client:
        yield lambda where, who: client.get(where, headers={"X-Tenant": who}).json()


@contextmanager
def starlette_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of Starlette whose routes label the request."""

    async def ask(given: Request) -> JSONResponse:
        labels(tenant=given.headers["X-Tenant"])
        await (await get_ai_client(given)).chat.completions.create(**CHAT)
        return JSONResponse(None)

    async def left(given: Request) -> JSONResponse:
        labels(tenant=given.headers["X-Tenant"])
        return JSONResponse(await shown(await get_ai_budgets(given), await get_ai_usage(given)))

    async def left_sync(given: Request) -> JSONResponse:
        labels(tenant=given.headers["X-Tenant"])
        return JSONResponse(shown_sync(await get_ai_budgets(given), await get_ai_usage(given)))

    async def grant(given: Request) -> JSONResponse:
        labels(tenant=given.headers["X-Tenant"])
        return JSONResponse({"limit": (await (await get_ai_budgets(given)).agrant(2)).limit})

    routes = [Route(f"/{view.__name__}", view) for view in (ask, left, left_sync, grant)]
    with TestClient(Starlette(routes=routes, lifespan=ai_client_lifespan(options))) as client:
        yield lambda where, who: client.get(where, headers={"X-Tenant": who}).json()


@contextmanager
def flask_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of Flask that labels each request before it is handled."""
    app = Flask(__name__)
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    ai = AIClient(app)

    @app.before_request
    def tenant() -> None:
        labels(tenant=request.headers["X-Tenant"])

    @app.get("/ask")
    def ask() -> Any:
        ai.client.chat.completions.create(**CHAT)
        return jsonify(None)

    @app.get("/left")
    async def left() -> Any:
        return jsonify(await shown(ai.budgets, ai.usage))

    @app.get("/left_sync")
    def left_sync() -> Any:
        return jsonify(shown_sync(ai.budgets, ai.usage))

    @app.get("/grant")
    def grant() -> Any:
        return jsonify(ai.budgets.grant(2))

    yield lambda where, who: app.test_client().get(where, headers={"X-Tenant": who}).json
    with app.app_context():
        assert ai.process.built == ai.process.alive == 1
        ai.provider.close()


def django_ask(given: HttpRequest) -> JsonResponse:
    """Make a call for the tenant."""
    labels(tenant=given.headers["X-Tenant"])
    handle: Any = settings.AI_CLIENT
    handle.chat.completions.create(**CHAT)
    return JsonResponse(None, safe=False)


async def django_left(given: HttpRequest) -> JsonResponse:
    """Show what is left."""
    labels(tenant=given.headers["X-Tenant"])
    handle: Any = settings.AI_CLIENT
    return JsonResponse(await shown(handle.budgets, handle.usage))


def django_left_sync(given: HttpRequest) -> JsonResponse:
    """Show what is left to the clients of the alias."""
    labels(tenant=given.headers["X-Tenant"])
    handle: Any = settings.AI_CLIENT
    return JsonResponse(shown_sync(handle["default"].budgets, handle["default"].usage))


def django_grant(given: HttpRequest) -> JsonResponse:
    """Grant the tenant two requests more."""
    labels(tenant=given.headers["X-Tenant"])
    handle: Any = settings.AI_CLIENT
    return JsonResponse({"limit": handle.budgets.grant(2).limit})


urlpatterns = [
    path("ask", django_ask),
    path("left", django_left),
    path("left_sync", django_left_sync),
    path("grant", django_grant),
]


@contextmanager
def django_site(options: dict[str, Any]) -> Iterator[Ask]:
    """Run an application of Django whose views label the request."""
    with override_settings(AI_CLIENT={"default": options}, ROOT_URLCONF=__name__):
        yield lambda where, who: Client(headers={"X-Tenant": who}).get(where).json()
        handle: Any = settings.AI_CLIENT
        assert handle.process.built == handle.process.alive == 1


SITES = {"fastapi": fastapi_site, "starlette": starlette_site, "flask": flask_site, "django": django_site}


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Ask]:
    """Yield what asks each of the applications, in turn."""
    controls = {"cost": True, "budgets": [{"requests": 3, "per": "total", "scope": "tenant"}]}
    options = {"api_key": KEY, "base_url": upstream.base_url, "controls": controls}
    with SITES[request.param](options) as ask:
        yield ask


@pytest.mark.parametrize("where", ["/left", "/left_sync"])
def test_a_view_shows_what_is_left_to_its_tenant(site: Ask, where: str) -> None:
    """A sync and an async view show what is left to the tenant of their request, and what every tenant used."""
    for tenant in ("acme", "bits", "acme"):
        site("/ask", tenant)
    calls = {"acme": 2, "bits": 1}
    assert site(where, "acme") == {"left": ["tenant=acme", 1], "calls": calls}
    assert site(where, "bits") == {"left": ["tenant=bits", 2], "calls": calls}
    assert site("/grant", "acme")["limit"] == 5
    assert site(where, "acme") == {"left": ["tenant=acme", 3], "calls": calls}
