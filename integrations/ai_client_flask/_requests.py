"""Requests of an app: label calls with the endpoint until the response is closed, and turn errors into responses."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Response, has_request_context, jsonify, request

from ai_client.adapter import RequestScope, find_scopes_by, http_error

_SCOPE, _ROUTE = "ai_client.scope", "ai_client.route"
_ON_REQUEST = "_ai_client_scope"
_Environ = dict[str, Any]
_Application = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]


class Served:
    """An app's `wsgi_app` in which each request has its labels, also while its body is sent."""

    def __init__(self, application: _Application) -> None:
        self._application = application
        find_scopes_by(_scope_of_request)

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        route = environ[_ROUTE] = _Route()
        scope = environ[_SCOPE] = RequestScope(route.template)
        try:
            with scope.entered():
                body = self._application(environ, start_response)
        except BaseException:
            scope.end()
            raise
        sends_files = environ.get("wsgi.file_wrapper")
        if isinstance(sends_files, type) and isinstance(body, sends_files):
            scope.end()
            return body  # the server sends it by itself
        return _Body(scope, body)


class _Body:
    """A response's body, sent within the labels of its request, which ends when the server closes it."""

    def __init__(self, scope: RequestScope, body: Iterable[bytes]) -> None:
        self._scope = scope
        self._body = body
        self._steps = scope.steps(body)

    def __iter__(self) -> Iterator[bytes]:
        return self._steps

    def __del__(self) -> None:
        self._scope.end()  # for who drops a response and does not close it, which no server does

    def close(self) -> None:
        """Close the body, then end the request."""
        try:
            close: Callable[[], Any] | None = getattr(self._body, "close", None)
            if close is not None:
                with self._scope.entered():
                    close()
        finally:
            self._scope.end()


class _Route:
    """The template of a request's route, which is known once the app has matched it."""

    def __init__(self) -> None:
        self._template: str | None = None

    def template(self) -> str | None:
        return self._template

    def match(self, template: str) -> None:
        self._template = template


def label() -> None:
    """Label the calls of the current request with the rule of its route, below where its app is mounted."""
    environ = request.environ
    if _SCOPE not in environ:  # the app was not called as a WSGI application
        return
    setattr(request, _ON_REQUEST, environ[_SCOPE])
    rule = request.url_rule
    if rule is not None:
        environ[_ROUTE].match(request.root_path.rstrip("/") + rule.rule)


def _scope_of_request() -> RequestScope | None:
    """Return the scope of the current request, in whatever thread its context was copied to."""
    return getattr(request, _ON_REQUEST, None) if has_request_context() else None


def answer(error: Exception) -> Response:
    """Return a response for an error of the client that a view raised."""
    shown = http_error(error)
    if shown is None:
        raise error
    response = jsonify(shown.body)
    response.status_code = shown.status
    response.headers.update(shown.headers)
    return response
