"""A router of FastAPI whose endpoints have the dependencies of what it is included in, and that Starlette can mount."""

from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class DependableRouter(APIRouter):
    """A router with one endpoint at several paths.

    FastAPI asks no dependencies for plain routes of Starlette, so these are its own.
    """

    def __init__(
        self,
        endpoint: Callable[[Request], Awaitable[Response]],
        paths: Iterable[str],
        methods: Iterable[str],
    ) -> None:
        super().__init__()
        for path in paths:
            self.add_api_route(
                path, endpoint, methods=[*methods], response_model=None, include_in_schema=False
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; in an application of plain Starlette nothing else holds what FastAPI closes after one."""
        within = super().__call__
        app = within if isinstance(scope.get("app"), FastAPI) else _closing(within)
        await app(scope, receive, send)


def _closing(app: ASGIApp) -> ASGIApp:
    """Wrap an application in what FastAPI closes files with; some older versions need nothing around an endpoint."""
    try:
        module = import_module("fastapi.middleware.asyncexitstack")
    except ImportError:
        return app
    wrapped: ASGIApp = module.AsyncExitStackMiddleware(app)
    return wrapped
