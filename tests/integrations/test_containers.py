"""The clients in containers of dependencies, with a line for each library."""

import logging
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated

import dishka
import dishka.integrations.fastapi
import dishka.integrations.flask
import fastapi_injector
import injector
import punq
import pytest
import svcs
import that_depends
from django.test import override_settings
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from flask_injector import FlaskInjector

import ai_client_django
from ai_client import AsyncOpenAI, OpenAI
from ai_client.testing import Upstream, override
from ai_client_fastapi import ai_client_lifespan
from ai_client_flask import AIClient, get_ai_client

ai = AIClient()


def used(client: OpenAI) -> str:
    """Call the client, and return the address that it calls."""
    assert isinstance(client, OpenAI)
    client.models.list()
    return str(client.base_url)


def with_svcs(app: Flask) -> None:
    """Inject by svcs, which must not enter the client and close it after the request."""
    svcs.flask.init_app(app)
    svcs.flask.register_factory(app, OpenAI, get_ai_client, enter=False)

    @app.get("/")
    def view() -> str:
        return used(svcs.flask.get(OpenAI))


def with_dishka(app: Flask) -> None:
    """Inject by dishka, which must not keep the client."""
    made = dishka.Provider(scope=dishka.Scope.APP)
    made.provide(lambda: ai.client, provides=OpenAI, cache=False)

    @app.get("/")
    @dishka.integrations.flask.inject
    def view(client: dishka.integrations.flask.FromDishka[OpenAI]) -> str:
        return used(client)

    dishka.integrations.flask.setup_dishka(dishka.make_container(made), app)


class Container(that_depends.BaseContainer):
    """The client in a container of that-depends."""

    client = that_depends.providers.Factory(get_ai_client)


def with_that_depends(app: Flask) -> None:
    """Inject by that-depends."""

    @app.get("/")
    @that_depends.inject
    def view(client: OpenAI = that_depends.Provide[Container.client]) -> str:
        return used(client)


def with_flask_injector(app: Flask) -> None:
    """Inject by Flask-Injector."""

    @app.get("/")
    def view(client: OpenAI) -> str:
        return used(client)

    FlaskInjector(app, modules=[lambda binder: binder.bind(OpenAI, to=get_ai_client)])


def with_punq(app: Flask) -> None:
    """Inject by punq, into a service that names the client's class."""

    class Service:
        def __init__(self, client: OpenAI) -> None:
            self.client = client

    container = punq.Container()
    container.register(OpenAI, factory=get_ai_client)
    container.register(Service)

    @app.get("/")
    def view() -> str:
        return used(container.resolve(Service).client)


@pytest.fixture(
    params=[with_svcs, with_dishka, with_that_depends, with_flask_injector, with_punq],
    ids=lambda way: way.__name__.removeprefix("with_"),
)
def app(request: pytest.FixtureRequest, ai_client_upstream: Upstream) -> Iterator[Flask]:
    """Make an app whose view gets its client from a container."""
    app = Flask(__name__)
    app.config.update(AI_CLIENT_API_KEY="any", AI_CLIENT_BASE_URL=ai_client_upstream.base_url)
    app.testing = True
    ai.init_app(app)
    request.param(app)
    yield app
    with app.app_context():
        ai.provider.close()


def test_one_client(app: Flask, ai_client_upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """Requests share the client of the extension, which no container closes."""
    caplog.set_level(logging.WARNING, "ai_client")
    for _ in range(3):
        assert app.test_client().get("/").text.rstrip("/") == ai_client_upstream.base_url
    with app.app_context():
        ai.client.models.list()
    assert ai_client_upstream.connections_opened == 1
    assert not caplog.records


def test_override(app: Flask, ai_client_upstream: Upstream) -> None:
    """A container gives what a test put in the client's place, and the client again afterwards."""
    app.test_client().get("/")
    with Upstream() as other, ai.override(app, other):
        assert app.test_client().get("/").text.rstrip("/") == other.base_url
    assert app.test_client().get("/").text.rstrip("/") == ai_client_upstream.base_url


def test_svcs_by_default(ai_client_upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """Without `enter=False` svcs closes what it gave: the client stays open, and one warning says so."""
    app = Flask(__name__)
    app.config.update(AI_CLIENT_API_KEY="any", AI_CLIENT_BASE_URL=ai_client_upstream.base_url)
    ai.init_app(app)
    svcs.flask.init_app(app)
    svcs.flask.register_factory(app, OpenAI, get_ai_client)
    app.add_url_rule("/", view_func=lambda: used(svcs.flask.get(OpenAI)))
    for _ in range(3):
        assert app.test_client().get("/").status_code == 200
    assert len([record for record in caplog.records if record.name == "ai_client"]) == 1
    with app.app_context():
        ai.provider.close()


class Services(that_depends.BaseContainer):
    """The client of a FastAPI application in a container of that-depends."""

    client = that_depends.providers.Factory(lambda: api.state.ai_client.async_client)


api = FastAPI(lifespan=ai_client_lifespan({"api_key": "any"}))
injector_of_api = injector.Injector(
    lambda binder: binder.bind(AsyncOpenAI, to=lambda: api.state.ai_client.async_client)
)
fastapi_injector.attach_injector(api, injector_of_api)
made_for_api = dishka.Provider(scope=dishka.Scope.APP)
made_for_api.provide(lambda: api.state.ai_client.async_client, provides=AsyncOpenAI, cache=False)
dishka.integrations.fastapi.setup_dishka(dishka.make_async_container(made_for_api), api)


async def used_async(client: AsyncOpenAI) -> str:
    """Await a call of the client, and return the address that it calls."""
    assert isinstance(client, AsyncOpenAI)
    await client.models.list()
    return str(client.base_url)


@api.get("/fastapi_injector")
async def view_of_fastapi_injector(
    client: Annotated[AsyncOpenAI, fastapi_injector.Injected(AsyncOpenAI)],
) -> str:
    """Use the client that fastapi-injector gives."""
    return await used_async(client)


@api.get("/dishka")
@dishka.integrations.fastapi.inject
async def view_of_dishka(client: dishka.integrations.fastapi.FromDishka[AsyncOpenAI]) -> str:
    """Use the client that dishka gives."""
    return await used_async(client)


@api.get("/that_depends")
async def view_of_that_depends(client: Annotated[AsyncOpenAI, Depends(Services.client)]) -> str:
    """Use the client that that-depends gives."""
    return await used_async(client)


def test_fastapi(ai_client_upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """Containers of FastAPI applications give the lifespan's client, what replaces it in a test included."""
    caplog.set_level(logging.WARNING, "ai_client")
    paths = ("/fastapi_injector", "/dishka", "/that_depends")
    with TestClient(api) as http, override(api.state.ai_client, ai_client_upstream):
        for path in paths * 2:
            assert http.get(path).json().rstrip("/") == ai_client_upstream.base_url
        with Upstream() as other, override(api.state.ai_client, other):
            for path in paths:
                assert http.get(path).json().rstrip("/") == other.base_url
    assert ai_client_upstream.connections_opened == 1
    assert not [record for record in caplog.records if record.name == "ai_client"]


def test_svcs_in_fastapi(ai_client_upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """Svcs in a lifespan within that of the clients gives the async client, and with `enter=False` leaves it alone."""
    caplog.set_level(logging.WARNING, "ai_client")

    @svcs.fastapi.lifespan
    async def services(app: FastAPI, registry: svcs.Registry) -> AsyncGenerator[None]:
        registry.register_factory(AsyncOpenAI, lambda: app.state.ai_client.async_client, enter=False)
        yield

    options = {"api_key": "any", "base_url": ai_client_upstream.base_url}
    app = FastAPI(lifespan=ai_client_lifespan(options, wraps=services))

    @app.get("/")
    async def view(container: svcs.fastapi.DepContainer) -> str:
        return await used_async(await container.aget(AsyncOpenAI))

    with TestClient(app) as http:
        for _ in range(3):
            assert http.get("/").json().rstrip("/") == ai_client_upstream.base_url
    assert ai_client_upstream.connections_opened == 1
    assert not caplog.records


def test_django(ai_client_upstream: Upstream) -> None:
    """The functions of the Django adapter are registered in the same way."""
    options = {"api_key": "any", "base_url": ai_client_upstream.base_url}
    registry = svcs.Registry()
    registry.register_factory(OpenAI, ai_client_django.get_ai_client, enter=False)
    container = punq.Container()
    container.register(OpenAI, factory=ai_client_django.get_ai_client)
    with override_settings(AI_CLIENT=options), svcs.Container(registry) as services:
        assert used(services.get(OpenAI)).rstrip("/") == ai_client_upstream.base_url
        assert container.resolve(OpenAI) is services.get(OpenAI) is ai_client_django.get_ai_client()
