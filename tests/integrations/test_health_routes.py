"""Routes for probes as each framework has them."""

import asyncio
import inspect
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount, Router

import ai_client_fastapi
from ai_client_fastapi import ai_client_lifespan, health_routes
from ai_client_flask import AIClient
from tests.support.sites.contract_sites import DjangoURLs

KEY = "sk-verysecret"
READY = {"status": "ready", "reasons": []}


def refused() -> None:
    """Refuse a request."""
    raise HTTPException(401)


@pytest.mark.parametrize("included", [True, False])
def test_fastapi(included: bool) -> None:
    """The routes can be included and mounted, are in no schema, and ask no dependency of the application."""
    app = FastAPI(lifespan=ai_client_lifespan(api_key=KEY), dependencies=[Depends(refused)])
    if included:
        app.include_router(health_routes(), prefix="/health")
    else:
        app.mount("/health", health_routes())
    with TestClient(app) as http:
        assert http.get("/health/ready").json() == READY
        assert http.head("/health/live").status_code == 200
        assert http.post("/health/live").status_code == 405
        assert app.openapi()["paths"] == {}
    assert TestClient(app).get("/health/ready").json()["reasons"][0]["check"] == "provider"
    assert TestClient(app).get("/health/live").status_code == 200


def test_starlette_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where FastAPI is not installed the routes are a router of Starlette, also below mounted applications."""
    monkeypatch.setattr("ai_client_fastapi._pages.APIRouter", Router)
    inner = Starlette(routes=[Mount("/health", app=health_routes())])
    app = Starlette(routes=[Mount("/inner", app=inner)], lifespan=ai_client_lifespan(api_key=KEY))
    assert type(health_routes()).__module__.startswith("starlette")
    with TestClient(app) as http:
        assert http.get("/inner/health/ready").json() == READY


def test_no_lifespan_at_all(caplog: pytest.LogCaptureFixture) -> None:
    """An application without clients is not ready and lives; each probe logs nothing."""
    app = FastAPI()
    app.mount("/health", ai_client_fastapi.health_routes())
    for _ in range(3):
        assert TestClient(app).get("/health/ready").status_code == 503
        assert TestClient(app).get("/health/live").status_code == 200
    assert not caplog.records


def test_flask() -> None:
    """A Flask app whose keys were changed after the first use is not ready, as each of its calls fails."""
    app = Flask(__name__)
    app.config["AI_CLIENT_API_KEY"] = KEY
    ai = AIClient(app)
    app.register_blueprint(ai.health_blueprint("/probes"))
    http = app.test_client()
    assert http.get("/probes/ready").json == READY
    head = http.head("/probes/ready")
    assert (head.status_code, head.data) == (200, b"")
    assert http.post("/probes/ready").status_code == 405
    app.config["AI_CLIENT_TIMEOUT"] = 3
    answer = http.get("/probes/ready")
    assert answer.status_code == 503
    assert KEY not in answer.text
    assert http.get("/probes/live").status_code == 200


class LoginRequired:
    """Middleware that refuses views as Django's `LoginRequiredMiddleware` does, which needs its tables."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):  # pyright: ignore[reportDeprecated] - knows Django's marks
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Pass a request on."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponse | None:
        """Refuse a view that does not say that it needs no login."""
        del request
        VIEWS.append(view)
        return HttpResponse(status=401) if getattr(view, "login_required", True) else None


VIEWS: list[Any] = []
"""The views of requests so far."""
MIDDLEWARE = [
    "tests.integrations.test_health_routes.LoginRequired",
    "ai_client_django.middleware.AIClientMiddleware",
]


@pytest.mark.parametrize("is_async", [False, True])
def test_django(is_async: bool) -> None:
    """The views run on either handler without a login, a session or the database, and take GET and HEAD only."""

    def ask(method: str, path: str) -> Any:
        if not is_async:
            return getattr(Client(), method)(path)

        async def run() -> Any:
            return await getattr(AsyncClient(), method)(path)

        return asyncio.run(run())

    with override_settings(AI_CLIENT={"api_key": KEY}, ROOT_URLCONF=DjangoURLs, MIDDLEWARE=MIDDLEWARE):
        assert ask("get", "/health/ready").json() == READY
        head = ask("head", "/health/live")
        assert (head.status_code, head.content) == (200, b"")
        assert ask("post", "/health/live").status_code == 405
        answer = ask("get", "/health/live")
        assert answer["cache-control"] == "no-store, private"
        assert "set-cookie" not in answer.headers
        assert inspect.iscoroutinefunction(VIEWS[-1]) is is_async
