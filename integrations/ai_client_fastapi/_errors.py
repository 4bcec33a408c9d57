"""Exception handlers that turn errors of AI calls into responses."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Router
from starlette.websockets import WebSocket

from ai_client import OpenAIError
from ai_client.adapter import http_error

from ._routes import router_of, routes_of

_MOUNTED = "ai_client_error_handlers_of_mounted"
_INTERNAL_ERROR = 1011  # the WebSocket close code, RFC 6455 section 7.4.1


def add_ai_client_error_handlers(app: Starlette, *, mounted: bool = False) -> None:
    """Answer requests whose AI call failed with a matching status and `{"error": {...}}`.

    An upstream rate limit becomes 429 with `Retry-After`, a timeout 504, an upstream that fails or is
    unreachable 502; an error of the application itself becomes 500 without details. A WebSocket is closed with
    1011.

    Args:
        app: The application.
        mounted: Whether applications mounted in it do so too, those included that are mounted later, until its
            `ai_client_lifespan` starts. A handler of their own for `OpenAIError` stays.
    """
    app.add_exception_handler(OpenAIError, _answer)
    if mounted:
        setattr(app.router, _MOUNTED, True)
        extend_to_mounted(app)


def extend_to_mounted(app: Starlette) -> None:
    """Add the handlers to the applications that are mounted in *app* by now, if *app* was given them with those."""
    if getattr(app.router, _MOUNTED, False):
        _extend(app, {id(app)})


def _extend(router: Starlette | Router, seen: set[int]) -> None:
    for route in routes_of(router):
        inner = router_of(getattr(route, "app", None))
        if inner is None or id(inner) in seen:
            continue
        seen.add(id(inner))
        if isinstance(inner, Starlette):
            inner.exception_handlers.setdefault(OpenAIError, _answer)
        _extend(inner, seen)


async def _answer(connection: HTTPConnection, error: Exception) -> Any:
    shown = http_error(error)
    if shown is None:
        raise error
    if isinstance(connection, WebSocket):
        await connection.close(_INTERNAL_ERROR, shown.type)
        return None
    return JSONResponse(shown.body, shown.status, dict(shown.headers))
