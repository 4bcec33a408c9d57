"""Alerts of circuits that open, and of clients that are built per request."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.testclient import TestClient

from ai_client import ClientProvider, OpenAI
from ai_client.control import Alert
from ai_client.detector.lines import forget
from ai_client.errors import OpenAIError
from ai_client.testing import Upstream
from ai_client_fastapi import ai_client_lifespan
from ai_client_flask import AIClient
from tests.support.alerting import alerting, ask
from tests.support.waiting import until

CONTROLS: dict[str, Any] = {
    "models": {"gpt-5.5": "gpt-5.5"},
    "breaker": {"failures": 2, "cool_down": 600},
}


@pytest.fixture
def nothing_found() -> Iterator[None]:
    """Forget what the detector has found before and after the test."""
    forget()
    yield
    forget()


def fail(provider: ClientProvider, count: int) -> None:
    """Make calls that fail or are refused."""
    for _ in range(count):
        with pytest.raises(OpenAIError):
            ask(provider)


@pytest.mark.parametrize("shared", [True, False])
def test_an_opening_alerts_once(upstream: Upstream, shared_url: str, shared: bool) -> None:
    """Of the processes of which each opens the circuit of a target, one alerts, whether they share circuits or not."""
    heard: list[Alert] = []

    def process() -> ClientProvider:
        controls = {**CONTROLS, "breaker": {**CONTROLS["breaker"], "shared": shared}}
        return alerting(upstream, [{"on": "breaker", "to": heard.append}], store=shared_url, **controls)

    providers = [process() for _ in range(3)]
    upstream.always(status=500)
    for provider in providers:
        fail(provider, 3)
        provider.close()
    (alert,) = heard
    assert alert.labels == {"client": "default", "target": "gpt-5.5"}
    assert (alert.unit, alert.window, alert.limit) == ("seconds", "10 min", None)
    assert 590 < alert.value <= 600
    assert "gpt-5.5 failed too often: its circuit opened at" in alert.message


def test_a_trial_that_fails_is_no_opening(upstream: Upstream) -> None:
    """A circuit that stays open does not alert again; one that was closed and opens does."""
    heard: list[Alert] = []
    controls = {**CONTROLS, "breaker": {"failures": 2, "cool_down": 0.001}}
    provider = alerting(upstream, [{"on": "breaker", "to": heard.append}], **controls)
    upstream.always(status=500)
    fail(provider, 6)
    until(lambda: heard)
    assert len(heard) == 1
    upstream.reset()
    provider.breakers.reset()
    upstream.always(status=500)
    fail(provider, 2)
    provider.close()
    assert len(heard) == 2


def test_minutes_between_two_alerts_of_a_target(upstream: Upstream) -> None:
    """A rule may be quiet for longer than the breaker's cooldown."""
    heard: list[Alert] = []
    controls = {**CONTROLS, "breaker": {"failures": 2, "cool_down": 0.001}}
    provider = alerting(upstream, [{"on": "breaker", "minutes": 10, "to": heard.append}], **controls)
    upstream.always(status=500)
    for _ in range(3):
        fail(provider, 2)
        provider.breakers.reset()
    provider.close()
    assert len(heard) == 1
    assert heard[0].window == "10 min"


@pytest.mark.usefixtures("nothing_found")
def test_clients_that_are_built_per_request(upstream: Upstream) -> None:
    """A line that builds clients alerts once a day, in production too, without `warn_on_extra_clients`."""
    heard: list[Alert] = []
    threads: list[str] = []

    def hear(alert: Alert) -> None:
        heard.append(alert)
        threads.append(threading.current_thread().name)

    controls = {"alerts": [{"on": "extra_clients", "to": hear}]}
    lifespan = ai_client_lifespan(base_url=upstream.base_url, api_key="key", controls=controls)
    app = FastAPI(lifespan=lifespan)

    @app.get("/view")
    async def view() -> None:
        OpenAI(api_key="key")

    with TestClient(app) as client:
        for _ in range(200):
            client.get("/view")
        until(lambda: heard)
    (alert,) = heard
    assert (alert.kind, alert.unit, alert.window) == ("extra_clients", "clients", "day")
    assert alert.labels["class"] == "ai_client.OpenAI"
    assert alert.labels["line"].startswith(__file__)
    assert threads == ["ai-client-alerts"]


@pytest.mark.usefixtures("nothing_found")
def test_clients_that_are_built_per_request_in_flask(upstream: Upstream) -> None:
    """In Flask a line alerts too, though no client of the app was ever used."""
    heard: list[Alert] = []
    app = Flask(__name__)
    AIClient(
        app,
        base_url=upstream.base_url,
        api_key="key",
        controls={"alerts": [{"on": "extra_clients", "to": heard.append}]},
    )

    @app.get("/view")
    def view() -> str:
        OpenAI(api_key="key").close()
        return "done"

    for _ in range(3):
        app.test_client().get("/view")
    until(lambda: heard)
    with app.app_context():
        app.extensions["ai_client"].provider.close()
    assert [one.labels["class"] for one in heard] == ["ai_client.OpenAI"]
