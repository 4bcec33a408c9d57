"""The page of metrics in Flask and Django."""

from django.test import RequestFactory
from flask import Flask
from pytest_django import Settings

from ai_client.testing import Upstream
from ai_client_django import get_ai_client
from ai_client_django.metrics import metrics_view
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
