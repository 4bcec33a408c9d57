"""Pages of the adapter as a router that can be mounted, and with FastAPI included."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.routing import Route, Router

if TYPE_CHECKING:
    from fastapi import APIRouter


def router_with(*routes: Route) -> "APIRouter | Router":
    """Return a router with routes: one of FastAPI, which takes no other, where that is installed."""
    if find_spec("fastapi") is None:
        return Router(routes)
    from fastapi import APIRouter  # noqa: PLC0415 - plain Starlette does without

    return APIRouter(routes=[*routes])
