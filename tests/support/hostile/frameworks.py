"""Applications of each framework that pass a stream on to readers of their own."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from fastapi import FastAPI
from flask import Flask

import ai_client_django
import ai_client_django._current
import ai_client_fastapi
import ai_client_flask
from ai_client import ClientProvider
from ai_client._exchange.loops import stop_background_loop
from tests.support.hostile.answers import Kind
from tests.support.hostile.sites import Options, ReportedError, Site, closed, known_of

Answered = tuple[int, bytes]
"""The status and the body of an application's answer."""
OK = 200


@contextmanager
def fastapi(kind: Kind, options: Options, *, sync: bool) -> Iterator[Site]:
    """Pass a stream on by an application of FastAPI, asked by ASGI."""
    app = FastAPI(lifespan=ai_client_fastapi.ai_client_lifespan(options))

    async def async_view(client: ai_client_fastapi.AIClientDep) -> Any:
        return ai_client_fastapi.stream_response(kind.call(client))

    def sync_view(client: ai_client_fastapi.SyncAIClientDep) -> Any:
        return ai_client_fastapi.stream_response(kind.call(client))

    app.add_api_route("/", sync_view if sync else async_view)
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(_awaited(lifespan.__aenter__))
        provider: ClientProvider = app.state.ai_client
        try:
            yield Site(
                lambda into: _take(runner.run(_by_asgi(app)), into),
                lambda: provider.client if sync else provider.async_client,
                *known_of(provider),
            )
        finally:
            runner.run(_awaited(lambda: lifespan.__aexit__(None, None, None)))
            stop_background_loop()


async def _awaited(function: Callable[[], Any]) -> Any:
    return await function()


async def _by_asgi(app: Any) -> Answered:
    """Return the answer of an ASGI application to a GET of its root."""
    given = asyncio.Event()
    sent: list[bytes] = []
    status = 0

    async def receive() -> dict[str, Any]:
        if not given.is_set():
            given.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            sent.append(message["body"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
    }
    more = {"asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http"}
    address = {"root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await app({**scope, **more, **address}, receive, send)
    return status, b"".join(sent)


@contextmanager
def django(kind: Kind, options: Options, *, sync: bool, asgi: bool) -> Iterator[Site]:
    """Pass a stream on by a view of Django, asked by either of its handlers."""

    def sync_view(request: HttpRequest) -> HttpResponseBase:
        del request
        return ai_client_django.stream_response(kind.call(settings.AI_CLIENT))

    async def async_view(request: HttpRequest) -> HttpResponseBase:
        del request
        stream = kind.call(ai_client_django.get_async_ai_client())
        return ai_client_django.stream_response(stream if kind.shape == "pages" else await stream)

    view = sync_view if sync else async_view
    with override_settings(AI_CLIENT=dict(options), ROOT_URLCONF=(path("", view),)):
        provider = ai_client_django._current.handle().provider
        with closed(provider):
            yield Site(
                lambda into: _take(asyncio.run(_by_django_asgi()) if asgi else _by_django_wsgi(), into),
                lambda: provider.client if sync else provider.async_client,
                *known_of(provider),
            )


def _by_django_wsgi() -> Answered:
    response: Any = Client().get("/")
    body = b"".join(response)
    response.close()
    return response.status_code, body


async def _by_django_asgi() -> Answered:
    response: Any = await AsyncClient().get("/")
    if not response.streaming:
        return response.status_code, response.content
    return response.status_code, b"".join([part async for part in response])


@contextmanager
def flask(kind: Kind, options: Options, *, sync: bool) -> Iterator[Site]:
    """Pass a stream on by a view of Flask."""
    app = Flask("hostile")
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    extension = ai_client_flask.AIClient(app)

    def sync_view() -> Any:
        return ai_client_flask.stream_response(kind.call(extension.client))

    async def async_view() -> Any:
        stream = kind.call(extension.async_client)
        return ai_client_flask.stream_response(stream if kind.shape == "pages" else await stream)

    app.add_url_rule("/", view_func=sync_view if sync else async_view)
    with app.app_context():
        provider = extension.provider

    def ask(into: list[Any]) -> None:
        response = app.test_client().get("/")
        _take((response.status_code, response.data), into)

    with closed(provider):
        yield Site(ask, lambda: provider.client if sync else provider.async_client, *known_of(provider))


def _take(answer: Answered, into: list[Any]) -> None:
    """Take the data of the events that an application sent.

    Raises:
        ReportedError: It says that the call failed, before its first event or after some.
    """
    status, body = answer
    if status != OK:
        raise ReportedError(status, body)
    *events, last, empty = body.split(b"\n\n")
    into += [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert empty == b""
    if last.startswith(b"event: error\n"):
        raise ReportedError(last)
    assert last == b"data: [DONE]"
