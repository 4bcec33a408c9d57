"""Requests of a WSGI application: their scopes last until the server closes the response."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from .request_scope import RequestScope

Environ: TypeAlias = dict[str, Any]
WSGIApplication: TypeAlias = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class ScopedWSGI:
    """A WSGI application each of whose requests has a `RequestScope`, which lasts until the response is closed.

        app.wsgi_app = ScopedWSGI(app.wsgi_app)

    The scope is `environ[ScopedWSGI.KEY]`. Call its `set_endpoint` once the framework has matched a route.

    Args:
        application: The framework's application.
    """

    KEY = "ai_client.request"

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request within its scope."""
        scope = environ[self.KEY] = RequestScope()
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
        return _ScopedBody(scope, body)


class _ScopedBody:
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
