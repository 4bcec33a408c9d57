"""The cost of the adapters per request: `python -m tools.bench.adapters`.

Each pair is the same application with and without the adapter, run in turns; the figure is the difference in
CPU time per request. No upstream is called: the benchmark measures how a request gets its client.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from io import BytesIO
from itertools import chain
from typing import Any, TypeAlias

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from fastapi import FastAPI
from flask import Flask

from ai_client_fastapi import AIClientDep, ai_client_lifespan
from ai_client_flask import AIClient

from .measure import Run, in_turns

LIMIT = 20.0
"""Microseconds that an adapter may add to a request."""
Pair: TypeAlias = tuple[str, tuple[Run, Run]]
"""A name, and the two runs: without the adapter and with it."""
CALLS, ROUNDS = 1500, 9
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/items/1",
    "SERVER_NAME": "bench.test",
    "SERVER_PORT": "80",
    "wsgi.url_scheme": "http",
    "wsgi.input": BytesIO(),
    "wsgi.errors": sys.stderr,
}
SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/items/1",
    "raw_path": b"/items/1",
    "query_string": b"",
    "root_path": "",
    "headers": [],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
}


def main() -> None:
    """Measure, print, and fail where an adapter costs too much."""
    dear = False
    for name, runs in chain((_flask(), _django()), _fastapi()):
        without, extended = in_turns(runs, CALLS, ROUNDS)
        print(f"{name:36}{without:9.1f} us + {extended - without:5.1f} us")
        dear |= extended - without > LIMIT
    if dear:
        raise SystemExit(f"An adapter adds more than {LIMIT} us to a request.")


def _wsgi(application: Callable[..., Any]) -> Run:
    def run(calls: int) -> None:
        for _ in range(calls):
            b"".join(application(dict(ENVIRON), lambda _status, _headers: None))

    return run


def _asgi(application: Callable[..., Any], runner: asyncio.Runner) -> Run:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:  # noqa: PLR2004 - HTTP's OK
            raise RuntimeError(f"The application answered {message['status']}.")

    async def main(calls: int) -> None:
        for _ in range(calls):
            await application(dict(SCOPE), receive, send)

    return lambda calls: runner.run(main(calls))


def _flask() -> Pair:
    extension = AIClient()
    bare, extended = Flask("bare"), Flask("extended")
    extended.config["AI_CLIENT_API_KEY"] = "key"
    extension.init_app(extended)
    bare.add_url_rule("/items/<int:pk>", view_func=_nothing)

    def view(pk: int) -> str:
        return str(extension.client is None) + str(pk)

    extended.add_url_rule("/items/<int:pk>", view_func=view)
    return "Flask property", (_wsgi(bare), _wsgi(extended))


def _nothing(pk: int) -> str:
    return str(pk is None) + str(pk)


def _django() -> Pair:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["ai_client_django"],
        MIDDLEWARE=[],
        ROOT_URLCONF=__name__,
        AI_CLIENT={"api_key": "key"},
    )
    django.setup()

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponse(str(settings.AI_CLIENT.chat is request) + str(pk))

    def bare_view(request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponse(str(pk is request) + str(pk))

    globals()["urlpatterns"] = [path("items/<int:pk>", view), path("bare/<int:pk>", bare_view)]
    bare = WSGIHandler()
    settings.MIDDLEWARE = ["ai_client_django.middleware.AIClientMiddleware"]
    extended = WSGIHandler()

    def without(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        return iter(bare({**environ, "PATH_INFO": "/bare/1"}, start))

    return "Django attribute and middleware", (_wsgi(without), _wsgi(extended))


def _fastapi() -> Iterator[Pair]:
    runner = asyncio.Runner()
    stack = AsyncExitStack()
    bare, extended = FastAPI(), FastAPI(lifespan=ai_client_lifespan({"api_key": "key"}))

    @bare.get("/items/{pk}")
    async def _bare(pk: int) -> str:
        return str(pk)

    @extended.get("/items/{pk}")
    async def _extended(pk: int, client: AIClientDep) -> str:
        return str(client is None) + str(pk)

    async def start() -> None:
        state = await stack.enter_async_context(extended.router.lifespan_context(extended))
        if state:
            SCOPE["state"] = dict(state)

    runner.run(start())
    yield "FastAPI dependency", (_asgi(bare, runner), _asgi(extended, runner))
    runner.run(stack.aclose())


if __name__ == "__main__":
    main()
