"""The README's examples for web frameworks run as they stand."""

from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from ai_client.testing import Upstream
from tests.support.readme import block


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, ai_client_upstream: Upstream) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", ai_client_upstream.base_url)


def run(code: str) -> dict[str, Any]:
    """Run an example and give its names."""
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own text
    return names


def test_flask() -> None:
    """The Flask example answers a question."""
    app = run(block("Flask"))["flask_app"]
    assert app.test_client().post("/ask", data={"question": "Who?"}).json["answer"]
    with app.app_context():
        app.extensions["ai_client"].provider.close()


def test_django(settings: Settings) -> None:
    """The Django example, settings and view, answers a question."""
    written, _, views = block("Django").partition("# views.py")
    settings.AI_CLIENT = run(written)["AI_CLIENT"]
    answer = run(views)["ask"](RequestFactory().get("/", {"question": "Who?"}))
    assert answer.status_code == 200
    assert answer.content
