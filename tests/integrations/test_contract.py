"""The contract, kept by each adapter in process."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from django.test import Client, override_settings
from fastapi.testclient import TestClient

from ai_client.testing.adapter_contract import AdapterContract, Answer, HealthContract, Options, Site
from ai_client_django._current import handle
from tests.support.sites.contract_sites import AsyncDjangoURLs, DjangoURLs, fastapi_app, flask_app

from .policies import PolicyContract


class FlaskContract(AdapterContract):
    """The Flask extension."""

    endpoint = "/items/<int:pk>"
    sync = True

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[Site]:
        """Make an app of its configuration."""
        app = flask_app(options, aliases, sync=self.sync)
        with app.app_context():
            provider = app.extensions["ai_client"].provider

        def get(path: str) -> Answer:
            with closing(app.test_client().get(path)) as answer:
                return Answer(answer.status_code, dict(answer.headers), answer.text)

        yield Site(provider, get)
        provider.close()


class TestFlask(FlaskContract, PolicyContract, HealthContract):
    """The Flask extension with sync views."""


class TestFlaskAsync(FlaskContract, HealthContract):
    """The Flask extension with async views."""

    sync = False


class DjangoContract(AdapterContract):
    """The Django app."""

    endpoint = "items/<int:pk>"
    urls: type = DjangoURLs

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[Site]:
        """Override the setting."""

        def get(path: str) -> Answer:
            with closing(Client().get(path)) as answer:
                text = b"".join(answer)
                return Answer(answer.status_code, dict(answer.headers), text.decode())

        setting = {"default": options, **aliases} if aliases else options
        with override_settings(AI_CLIENT=setting, ROOT_URLCONF=self.urls):
            yield Site(handle().provider, get)


class TestDjango(DjangoContract, PolicyContract, HealthContract):
    """The Django app with sync views."""


class TestDjangoAsync(DjangoContract, HealthContract):
    """The Django app with async views."""

    urls = AsyncDjangoURLs


class FastAPIContract(AdapterContract):
    """The FastAPI lifespan and dependency."""

    endpoint = "/items/{pk}"
    sync = False

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[Site]:
        """Run the lifespan of an application."""
        app = fastapi_app(options, aliases, sync=self.sync)

        def get(path: str) -> Answer:
            answer = client.get(path)
            return Answer(answer.status_code, answer.headers, answer.text)

        with TestClient(app) as client:
            yield Site(app.state.ai_client, get)


class TestFastAPI(FastAPIContract, PolicyContract, HealthContract):
    """The FastAPI lifespan with async path operations."""


class TestFastAPISync(FastAPIContract, HealthContract):
    """The FastAPI lifespan with plain path operations."""

    sync = True
