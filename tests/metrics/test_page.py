"""The page of metrics: who may read it, and in which format."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ai_client.errors import ConfigError
from ai_client.metrics import MetricsPage
from ai_client.testing import Upstream
from ai_client_fastapi import AIClientDep, ai_client_lifespan, metrics_routes
from tests.support.invoke import CHAT
from tests.support.metrics import Scraped


def test_a_page_needs_one_guard() -> None:
    """Nothing, or two things, that decide who may read the page are an error that names all of them."""
    for arguments in ({}, {"public": True, "token": "x"}, {"token": " "}):
        with pytest.raises(ConfigError, match="token"):
            MetricsPage(**arguments)  # type: ignore[arg-type]


def test_a_token_is_compared_whole(tmp_path: Path) -> None:
    """Only the whole token opens the page, given at once or in a file, which may change or be missing."""
    file = tmp_path / "token"
    from_file = MetricsPage(token_file=file)
    assert from_file.refusal("Bearer ") is not None
    file.write_text("s3cret\n")
    for page in (MetricsPage(token="s3cret"), from_file):
        assert page.refusal("Bearer s3cret") is None
        assert page.refusal("bearer s3cret") is None
        for wrong in (None, "", "s3cret", "Bearer s3cre", "Bearer s3crets", "Basic s3cret", "Bearer ü"):
            refused = page.refusal(wrong)
            assert refused is not None
            assert refused.status == 401
    file.write_text("other")
    assert from_file.refusal("Bearer s3cret") is not None


def test_fastapi_serves_the_page(upstream: Upstream) -> None:
    """A FastAPI application serves its metrics to whom its guard allows, in both formats of Prometheus."""
    options = {"base_url": upstream.base_url, "api_key": "sk-test", "controls": {"metrics": True}}
    app = FastAPI(lifespan=ai_client_lifespan(options))
    app.include_router(metrics_routes(guard=lambda request: request.headers.get("x-who") == "prometheus"))

    @app.get("/ask")
    async def ask(client: AIClientDep) -> None:
        await client.chat.completions.create(**CHAT)

    with TestClient(app) as http:
        http.get("/ask")
        assert http.get("/metrics").status_code == 403
        answer = http.get("/metrics", headers={"x-who": "prometheus"})
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert Scraped(answer.text).total("ai_client_calls_total", endpoint="/ask", outcome="ok") == 1
        accept = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.1"
        answer = http.get("/metrics", headers={"x-who": "prometheus", "accept": accept})
        assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        parser: Any = import_module("prometheus_client.openmetrics.parser")
        assert "ai_client_calls" in {one.name for one in parser.text_string_to_metric_families(answer.text)}
