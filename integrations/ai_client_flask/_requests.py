"""Request hooks: label calls with the endpoint, and turn errors into responses."""

from contextlib import AbstractContextManager
from typing import cast

from flask import Response, jsonify, request

from ai_client._call.labels import request_labels
from ai_client.web import http_error

_KEY = "ai_client.labels"


def enter() -> None:
    """Label the calls of this request with the rule of its route."""
    rule = request.url_rule
    scope = request_labels(None if rule is None else rule.rule)
    scope.__enter__()
    request.environ[_KEY] = scope


def leave(error: BaseException | None) -> None:
    """Undo `enter`, if it ran: another hook may have answered the request before it."""
    del error
    scope = cast("AbstractContextManager[None] | None", request.environ.pop(_KEY, None))
    if scope is not None:
        scope.__exit__(None, None, None)


def answer(error: Exception) -> Response:
    """Return a response for an error of the client that a view raised."""
    shown = http_error(error)
    if shown is None:
        raise error
    response = jsonify(shown.body)
    response.status_code = shown.status
    response.headers.update(shown.headers)
    return response
