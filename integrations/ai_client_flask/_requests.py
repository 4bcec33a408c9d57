"""Requests of an app: label calls with the endpoint until the response is closed, and turn errors into responses."""

from flask import Flask, Response, current_app, has_request_context, jsonify, request

from ai_client.adapter import RequestScope, ScopedWSGI, find_scopes_by, http_error, timings_of_request
from ai_client.errors import OpenAIError

_ON_REQUEST = "_ai_client_scope"


def label() -> None:
    """Label the calls of the current request with the rule of its route, below where its app is mounted.

    In debug mode their times are taken too.
    """
    scope: RequestScope | None = request.environ.get(ScopedWSGI.KEY)
    if scope is None:  # the app was not called as a WSGI application
        return
    setattr(request, _ON_REQUEST, scope)
    if current_app.debug:
        timings_of_request()
    rule = request.url_rule
    if rule is not None:
        scope.set_endpoint(request.root_path.rstrip("/") + rule.rule)


def _scope_of_request() -> RequestScope | None:
    """Return the scope of the current request, in whatever thread its context was copied to."""
    return getattr(request, _ON_REQUEST, None) if has_request_context() else None


find_scopes_by(_scope_of_request)


def show_timings(response: Response) -> Response:
    """Add the header `Server-Timing`, in debug mode."""
    if current_app.debug and (timings := timings_of_request()) is not None:
        value = timings.header()
        if value is not None:
            response.headers.add("Server-Timing", value)
    return response


def answer_errors(app: Flask) -> None:
    """Answer an `OpenAIError` that a view raises, unless the app has a handler of its own for that."""
    if OpenAIError not in app.error_handler_spec[None][None]:
        app.register_error_handler(OpenAIError, answer)


def answer(error: Exception) -> Response:
    """Return a response for an error of the client that a view raised."""
    shown = http_error(error)
    if shown is None:
        raise error
    response = jsonify(shown.body)
    response.status_code = shown.status
    response.headers.update(shown.headers)
    return response
