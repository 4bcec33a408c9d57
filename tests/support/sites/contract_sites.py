"""The application under contract in each framework, with sync and with async views."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import include, path
from fastapi import FastAPI
from flask import Flask, Response

import ai_client_django
import ai_client_fastapi
import ai_client_flask
from ai_client.testing.adapter_contract import (
    Options,
    ask,
    ask_async,
    generate,
    generate_async,
    stream,
    stream_async,
)
from ai_client_fastapi import AIClientDep, SyncAIClientDep

Told = dict[str, str | None]


def flask_app(options: Options, aliases: Mapping[str, Options], *, sync: bool) -> Flask:
    """Make a Flask app."""
    app = Flask(__name__)
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    app.config["AI_CLIENT_CLIENTS"] = aliases
    ai = ai_client_flask.AIClient(app)

    def asked(pk: int) -> Told:
        del pk
        return ask(ai.client)

    async def asked_async(pk: int) -> Told:
        del pk
        return await ask_async(ai.async_client)

    def streamed() -> Response:
        return ai_client_flask.stream_response(stream(ai.client))

    async def streamed_async() -> Response:
        return ai_client_flask.stream_response(await stream_async(ai.async_client))

    def generated() -> Response:
        return ai_client_flask.stream_response(generate(ai.client))

    async def generated_async() -> Response:
        return ai_client_flask.stream_response(generate_async(ai.async_client))

    views: Any = (asked, streamed, generated) if sync else (asked_async, streamed_async, generated_async)
    for rule, view in zip(("/items/<int:pk>", "/stream", "/generate"), views, strict=True):
        app.add_url_rule(rule, view_func=view)
    app.register_blueprint(ai.health_blueprint())
    return app


def fastapi_app(options: Options, aliases: Mapping[str, Options], *, sync: bool) -> FastAPI:
    """Make a FastAPI application."""
    app = FastAPI(lifespan=ai_client_fastapi.ai_client_lifespan(options, aliases=aliases))
    ai_client_fastapi.add_ai_client_error_handlers(app)

    def asked(pk: int, client: SyncAIClientDep) -> Told:
        del pk
        return ask(client)

    async def asked_async(pk: int, client: AIClientDep) -> Told:
        del pk
        return await ask_async(client)

    def streamed(client: SyncAIClientDep) -> Any:
        return ai_client_fastapi.stream_response(stream(client))

    async def streamed_async(client: AIClientDep) -> Any:
        return ai_client_fastapi.stream_response(stream_async(client))

    def generated(client: SyncAIClientDep) -> Any:
        return ai_client_fastapi.stream_response(generate(client))

    async def generated_async(client: AIClientDep) -> Any:
        return ai_client_fastapi.stream_response(generate_async(client))

    views: Any = (asked, streamed, generated) if sync else (asked_async, streamed_async, generated_async)
    for rule, view in zip(("/items/{pk}", "/stream", "/generate"), views, strict=True):
        app.get(rule)(view)
    app.mount("/health", ai_client_fastapi.health_routes())
    return app


def django_ask(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Make one call."""
    del request, pk
    return JsonResponse(ask(ai_client_django.ai_client))


async def django_ask_async(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Make one call."""
    del request, pk
    return JsonResponse(await ask_async(ai_client_django.get_async_ai_client()))


def django_stream(request: HttpRequest) -> HttpResponseBase:
    """Relay a stream."""
    del request
    return ai_client_django.stream_response(stream(ai_client_django.ai_client))


async def django_stream_async(request: HttpRequest) -> HttpResponseBase:
    """Relay a stream."""
    del request
    return ai_client_django.stream_response(await stream_async(ai_client_django.get_async_ai_client()))


def django_generate(request: HttpRequest) -> HttpResponseBase:
    """Relay a generator."""
    del request
    return ai_client_django.stream_response(generate(ai_client_django.ai_client))


async def django_generate_async(request: HttpRequest) -> HttpResponseBase:
    """Relay a generator."""
    del request
    return ai_client_django.stream_response(generate_async(ai_client_django.get_async_ai_client()))


class DjangoURLs:
    """The URLs of sync views, as `ROOT_URLCONF`."""

    urlpatterns = (
        path("items/<int:pk>", django_ask),
        path("stream", django_stream),
        path("generate", django_generate),
        path("health/", include("ai_client_django.health_urls")),
    )


class AsyncDjangoURLs:
    """The URLs of async views, as `ROOT_URLCONF`."""

    urlpatterns = (
        path("items/<int:pk>", django_ask_async),
        path("stream", django_stream_async),
        path("generate", django_generate_async),
        path("health/", include("ai_client_django.health_urls")),
    )
