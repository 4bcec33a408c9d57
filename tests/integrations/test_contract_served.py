"""The contract, kept by each adapter under real servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from ai_client import ClientProvider
from ai_client.testing.adapter_contract import Options, ServedAdapterContract
from ai_client_django import ai_client_asgi
from ai_client_django._current import handle
from tests.support.in_thread import hypercorn_serving, uvicorn_serving, wsgi_serving
from tests.support.sites.contract_sites import AsyncDjangoURLs, DjangoURLs, fastapi_app, flask_app


class TestServedFlask(ServedAdapterContract):
    """The Flask extension under a WSGI server."""

    endpoint = "/items/<int:pk>"
    notices_readers_leave = False

    @pytest.fixture(params=[True, False], ids=["sync", "async"], autouse=True)
    def views(self, request: pytest.FixtureRequest) -> None:
        """Choose sync or async views."""
        self.sync = bool(request.param)

    @contextmanager
    def serve(self, options: Options) -> Iterator[tuple[ClientProvider, int]]:
        """Serve an app."""
        app = flask_app(options, {}, sync=self.sync)
        with app.app_context():
            provider = app.extensions["ai_client"].provider
        with wsgi_serving(app) as port:
            yield provider, port
        provider.close()


class TestServedDjango(ServedAdapterContract):
    """The Django app under a WSGI and an ASGI server."""

    endpoint = "items/<int:pk>"

    @pytest.fixture(params=["wsgi", "wsgi-async", "asgi", "asgi-async"], autouse=True)
    def server(self, request: pytest.FixtureRequest) -> None:
        """Choose a server and sync or async views."""
        self.server_kind, _, views = str(request.param).partition("-")
        self.notices_readers_leave = self.server_kind == "asgi"
        self.urls = AsyncDjangoURLs if views else DjangoURLs

    @contextmanager
    def serve(self, options: Options) -> Iterator[tuple[ClientProvider, int]]:
        """Serve the site."""
        with override_settings(AI_CLIENT=options, ROOT_URLCONF=self.urls):
            serving: Any = (
                wsgi_serving(WSGIHandler())
                if self.server_kind == "wsgi"
                else uvicorn_serving(ai_client_asgi(ASGIHandler()))
            )
            with serving as port:
                yield handle().provider, port


class TestServedFastAPI(ServedAdapterContract):
    """The FastAPI lifespan under both ASGI servers."""

    endpoint = "/items/{pk}"

    @pytest.fixture(params=["uvicorn", "uvicorn-sync", "hypercorn", "hypercorn-sync"], autouse=True)
    def server(self, request: pytest.FixtureRequest) -> None:
        """Choose a server and sync or async path operations."""
        self.server_kind, _, views = str(request.param).partition("-")
        self.sync = bool(views)

    @contextmanager
    def serve(self, options: Options) -> Iterator[tuple[ClientProvider, int]]:
        """Serve an application."""
        app = fastapi_app(options, {}, sync=self.sync)
        serving = uvicorn_serving if self.server_kind == "uvicorn" else hypercorn_serving
        with serving(app) as port:
            yield app.state.ai_client, port
