"""Errors of AI calls as answers of the application."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from ai_client import OpenAIError
from ai_client.web import http_error

_INTERNAL_ERROR = 1011  # the WebSocket close code, RFC 6455 section 7.4.1


def add_ai_client_error_handlers(app: Starlette) -> None:
    """Answer requests whose AI call failed with a fitting status and `{"error": {...}}`.

    A limit of the upstream becomes 429 with `Retry-After`, a timeout 504, an upstream that fails or cannot be
    reached 502; what is the application's own fault becomes 500 without detail. A WebSocket is closed with 1011.
    """
    app.add_exception_handler(OpenAIError, _answer)


async def _answer(connection: HTTPConnection, error: Exception) -> Any:
    shown = http_error(error)
    if shown is None:
        raise error
    if isinstance(connection, WebSocket):
        await connection.close(_INTERNAL_ERROR, shown.type)
        return None
    return JSONResponse(shown.body, shown.status, dict(shown.headers))
