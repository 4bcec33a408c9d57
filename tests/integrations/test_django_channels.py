"""Consumers of Channels: their calls have the label of their route."""

import asyncio
import json
import os
from typing import Any

import httpx
import pytest
from asgiref.testing import ApplicationCommunicator
from pytest_django import Settings
from websockets.sync.client import connect

from ai_client.testing import Upstream
from ai_client_django import ai_client_asgi
from ai_client_django._consumers import consumer_template
from tests.support.servers import serving
from tests.support.sites.django_site.channels_asgi import application, rooms

del os.environ[
    "DJANGO_SETTINGS_MODULE"
]  # which the site's module sets; servers that tests start have their own
ADDRESSES = {
    "/rooms/red/ask/": "rooms/<str:room>/ask/",
    "/rooms/blue/ask-sync/": "rooms/<str:room>/ask-sync/",
    "/plain/5/": r"^plain/(?P<pk>\d+)/$",
}


@pytest.fixture
def upstream(settings: Settings, ai_client_upstream: Upstream) -> Upstream:
    """Point the setting to an upstream."""
    settings.AI_CLIENT = {"base_url": ai_client_upstream.base_url, "api_key": "k", "max_retries": 0}
    return ai_client_upstream


SECONDS = 60


async def asked(address: str) -> dict[str, Any]:
    """Send a message to a consumer, as a server does, and return its answer."""
    scope = {"type": "websocket", "path": address, "headers": [], "subprotocols": []}
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "websocket.connect"})
    assert await communicator.receive_output(SECONDS) == {"type": "websocket.accept", "subprotocol": None}
    await communicator.send_input({"type": "websocket.receive", "text": "?"})
    answer = await communicator.receive_output(SECONDS)
    await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
    await communicator.wait(SECONDS)
    return dict(json.loads(answer["text"]))


@pytest.mark.parametrize(("address", "template"), ADDRESSES.items())
def test_label_of_a_consumer(upstream: Upstream, address: str, template: str) -> None:
    """A consumer's calls have the template of its route, through routers inside of routers and middleware."""
    assert asyncio.run(asked(address))["endpoint"] == template
    assert len(upstream.requests) == 1


def test_label_of_a_consumer_of_http(upstream: Upstream) -> None:
    """A consumer of HTTP has the label of its route."""

    async def answer() -> Any:
        scope = {"type": "http", "method": "GET", "path": "/http/red/", "headers": [], "query_string": b""}
        communicator = ApplicationCommunicator(application, scope)
        await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await communicator.receive_output(SECONDS)
        assert start["status"] == 200
        body = await communicator.receive_output(SECONDS)
        await communicator.wait(SECONDS)
        return json.loads(body["body"])

    assert asyncio.run(answer())["endpoint"] == "http/<slug:name>/"
    assert len(upstream.requests) == 1


def test_connections_are_apart(upstream: Upstream) -> None:
    """Connections at the same time have labels of their own."""

    async def together() -> list[dict[str, Any]]:
        return await asyncio.gather(*(asked(address) for address in ADDRESSES))

    assert [answer["endpoint"] for answer in asyncio.run(together())] == list(ADDRESSES.values())
    assert len(upstream.requests) == len(ADDRESSES)


@pytest.mark.parametrize(
    ("scope", "template"),
    [
        ({"type": "websocket", "path": "/red/ask/", "root_path": "/red"}, "ask/"),
        ({"type": "websocket", "path": "/nowhere/"}, None),
        ({"type": "channel", "channel": "tasks"}, None),
    ],
)
def test_other_scopes(scope: dict[str, Any], template: str | None) -> None:
    """The path below a server's root counts, and what has no route has no template."""
    assert consumer_template(rooms, scope) == template


def test_an_application_that_leads_to_itself() -> None:
    """Middleware that leads back to itself ends the search."""

    class Round:
        @property
        def inner(self) -> Any:
            return self

    assert consumer_template(Round(), {"type": "websocket", "path": "/"}) is None
    assert ai_client_asgi(rooms)


@pytest.mark.slow
def test_under_daphne(ai_client_upstream: Upstream) -> None:
    """Under daphne, consumers and views share the process's client, each with the label of its route."""
    command = (
        "daphne",
        "-b",
        "127.0.0.1",
        "-p",
        "{port}",
        "tests.support.sites.django_site.channels_asgi:application",
    )
    with serving(*command, UPSTREAM=ai_client_upstream.base_url) as running:
        for address, template in ADDRESSES.items():
            with connect(f"ws://127.0.0.1:{running.port}{address}", open_timeout=60) as connection:
                for _ in range(2):
                    connection.send("?")
                    assert json.loads(connection.recv(timeout=60))["endpoint"] == template
        answer = httpx.get(f"{running.url}/async/1/", timeout=60).json()
        assert answer["endpoint"] == "async/<int:pk>/"
        assert ai_client_upstream.connections_opened <= 2
