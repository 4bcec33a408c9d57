"""Pages of the adapter as a router that can be mounted, and with FastAPI included."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

if TYPE_CHECKING:
    from fastapi import APIRouter
else:
    try:
        from fastapi import APIRouter
    except ImportError:  # plain Starlette does without
        APIRouter = Router

__all__ = ["APIRouter", "dependable_router", "router_with"]


def router_with(*routes: Route) -> APIRouter:
    """Return a router with routes: one of FastAPI, which takes no other, where that is installed."""
    return APIRouter(routes=[*routes])


def dependable_router(
    endpoint: Callable[[Request], Awaitable[Response]], paths: Sequence[str], methods: Sequence[str]
) -> APIRouter:
    """Return a router with one endpoint, which FastAPI asks the dependencies of an application or router for."""
    if cast("object", APIRouter) is Router:
        routes = [Route(path, endpoint, methods=[*methods], include_in_schema=False) for path in paths]
        return cast("APIRouter", Router(routes=routes))
    from ._dependable import DependableRouter  # noqa: PLC0415 - needs FastAPI

    return DependableRouter(endpoint, paths, methods)
