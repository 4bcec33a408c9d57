"""What happens around each request: its endpoint labels the calls, and an error becomes an answer."""

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
    """End what `enter` began; another hook may have answered before it ran."""
    del error
    scope = cast("AbstractContextManager[None] | None", request.environ.pop(_KEY, None))
    if scope is not None:
        scope.__exit__(None, None, None)


def answer(error: Exception) -> Response:
    """Answer a request whose view let an error of the client through."""
    shown = http_error(error)
    if shown is None:
        raise error
    response = jsonify(shown.body)
    response.status_code = shown.status
    response.headers.update(shown.headers)
    return response
