"""Pages of the adapter as a router that can be mounted, and with FastAPI included."""

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from fastapi import APIRouter
else:
    try:
        from fastapi import APIRouter
    except ImportError:  # plain Starlette does without
        from starlette.routing import Router as APIRouter

__all__ = ["APIRouter", "router_with"]


def router_with(*routes: Route) -> APIRouter:
    """Return a router with routes: one of FastAPI, which takes no other, where that is installed."""
    return APIRouter(routes=[*routes])
