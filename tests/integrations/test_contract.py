"""The contract, kept by each adapter."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.test import Client, override_settings
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ai_client import ClientProvider, current_labels
from ai_client_django._current import handle
from ai_client_fastapi import AIClientDep, add_ai_client_error_handlers, ai_client_lifespan, stream_response
from tests.support.sites.flask_site import create_app

from .contract import ASK, Answer, Contract, Options
from .policies import PolicyContract


class AskedSite:
    """An application behind a test client whose answers have a text."""

    def __init__(self, provider: ClientProvider, client: Any) -> None:
        self.provider = provider
        self._client = client

    def ask(self) -> Answer:
        """GET the path that makes one call."""
        return self._get("/items/7")

    def stream(self) -> Answer:
        """GET the path that streams."""
        return self._get("/stream")

    def _get(self, path: str) -> Answer:
        answer = self._client.get(path)
        return Answer(answer.status_code, answer.headers, answer.text)


class TestFlask(PolicyContract, Contract):
    """The Flask extension."""

    endpoint = "/items/<int:pk>"

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[AskedSite]:
        """Make an app of its configuration."""
        config = {f"AI_CLIENT_{name.upper()}": value for name, value in options.items()}
        app = create_app(**config, AI_CLIENT_CLIENTS=aliases)
        site = AskedSite(app.extensions["ai_client"], app.test_client())
        yield site
        site.provider.close()


class DjangoSite:
    """The Django site of the tests."""

    @property
    def provider(self) -> ClientProvider:
        """The provider of the present setting."""
        return handle().provider

    def ask(self) -> Answer:
        """GET the path that makes one call."""
        return self._get("/items/7/")

    def stream(self) -> Answer:
        """GET the path that streams."""
        return self._get("/stream/")

    def _get(self, path: str) -> Answer:
        answer = Client().get(path)
        text = answer.getvalue() if answer.streaming else answer.content
        return Answer(answer.status_code, answer.headers, text.decode())


class TestDjango(PolicyContract, Contract):
    """The Django app."""

    endpoint = "items/<int:pk>/"

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[DjangoSite]:
        """Override the setting."""
        with override_settings(AI_CLIENT={"default": options, **aliases} if aliases else options):
            yield DjangoSite()


class TestFastAPI(PolicyContract, Contract):
    """The FastAPI lifespan and dependency."""

    endpoint = "/items/{pk}"

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[AskedSite]:
        """Run the lifespan of an application."""
        app = FastAPI(lifespan=ai_client_lifespan(options, aliases=aliases))
        add_ai_client_error_handlers(app)

        @app.get("/items/{pk}")
        async def ask(pk: int, client: AIClientDep) -> dict[str, Any]:
            del pk
            await client.chat.completions.create(**ASK)
            return {"endpoint": current_labels().endpoint}

        @app.get("/stream")
        async def stream(client: AIClientDep) -> Any:
            return stream_response(await client.chat.completions.create(**ASK, stream=True))

        with TestClient(app) as client:
            yield AskedSite(app.state.ai_client, client)
