"""The page of metrics in each framework."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from fastapi import FastAPI
from fastapi.testclient import TestClient
from flask import Flask, redirect
from pytest_django import Settings
from starlette.responses import RedirectResponse

from ai_client.testing import Upstream
from ai_client_django import get_ai_client
from ai_client_django.metrics import metrics_view
from ai_client_fastapi import ai_client_lifespan, metrics_routes
from ai_client_flask import AIClient
from tests.support.invoke import CHAT
from tests.support.metrics import Scraped


def test_flask_serves_the_page(upstream: Upstream) -> None:
    """A Flask app serves its metrics to whom has the token, and to nobody else."""
    site = Flask(__name__)
    clients = AIClient(site, base_url=upstream.base_url, api_key="sk-test", controls={"metrics": True})
    site.register_blueprint(clients.metrics_blueprint(token="s3cret"))

    @site.get("/ask")
    def ask() -> str:
        clients.client.chat.completions.create(**CHAT)
        return "asked"

    http = site.test_client()
    http.get("/ask")
    assert http.get("/metrics").status_code == 401
    answer = http.get("/metrics", headers={"authorization": "Bearer s3cret"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert Scraped(answer.text).total("ai_client_calls_total", endpoint="/ask", outcome="ok") == 1


def test_django_serves_the_page(settings: Settings, rf: RequestFactory, upstream: Upstream) -> None:
    """A view of Django serves the metrics to whom its guard allows."""
    settings.AI_CLIENT = {"base_url": upstream.base_url, "api_key": "sk-test", "controls": {"metrics": True}}
    get_ai_client().chat.completions.create(**CHAT)
    view = metrics_view(guard=lambda request: request.headers.get("x-who") == "prometheus")
    assert view(rf.get("/metrics")).status_code == 403
    answer = view(rf.get("/metrics", headers={"x-who": "prometheus"}))
    assert Scraped(answer.content.decode()).total("ai_client_calls_total", outcome="ok") == 1
    assert view(rf.post("/metrics", headers={"x-who": "prometheus"})).status_code == 405


@pytest.mark.parametrize(
    ("answer", "status"), [(lambda: redirect("/login"), 302), (lambda: ("Log in first.", 401), 401)]
)
@pytest.mark.parametrize("kind", ["dashboard", "metrics"])
def test_a_guard_of_flask_may_answer_itself(kind: str, answer: Any, status: int) -> None:
    """Whatever a view may return is no permission, though it is true."""
    site = Flask(__name__)
    ai = AIClient(site, api_key="sk-test", controls={"metrics": True})
    make = ai.dashboard_blueprint if kind == "dashboard" else ai.metrics_blueprint
    site.register_blueprint(make("/ai", guard=lambda _: answer()))
    assert site.test_client().get("/ai").status_code == status


def test_a_guard_of_fastapi_may_answer_itself() -> None:
    """A response is no permission, though it is true."""
    app = FastAPI(lifespan=ai_client_lifespan(api_key="sk-test", controls={"metrics": True}))
    app.include_router(metrics_routes(guard=lambda _: RedirectResponse("/login")))
    with TestClient(app, follow_redirects=False) as http:
        assert http.get("/metrics").status_code == 307


def test_a_guard_of_django_may_answer_itself(settings: Settings, rf: RequestFactory) -> None:
    """A response is no permission, though it is true."""
    settings.AI_CLIENT = {"api_key": "sk-test", "controls": {"metrics": True}}
    view = metrics_view(guard=lambda _: HttpResponse(status=401))
    assert view(rf.get("/metrics")).status_code == 401
