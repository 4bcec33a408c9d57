"""Exception handlers that turn errors of AI calls into responses."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from ai_client import OpenAIError
from ai_client.adapter import http_error

_INTERNAL_ERROR = 1011  # the WebSocket close code, RFC 6455 section 7.4.1


def add_ai_client_error_handlers(app: Starlette) -> None:
    """Answer requests whose AI call failed with a matching status and `{"error": {...}}`.

    An upstream rate limit becomes 429 with `Retry-After`, a timeout 504, an upstream that fails or is
    unreachable 502; an error of the application itself becomes 500 without details. A WebSocket is closed with
    1011.
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
