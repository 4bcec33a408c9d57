"""The route template of a request, known to every call that serves it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_client._call.labels import request_labels


class LabelMiddleware:
    """Keep the labels of each request, its background tasks and its streams included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        with request_labels(partial(route_template, scope)):
            await self.app(scope, receive, send)


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Give the template of the route that serves a request: `/items/{id}`; `None` until one was found."""
    route = scope.get("route")
    if getattr(route, "endpoint", None) is None:  # none yet, or a mount, below which the search goes on
        return None
    # Newer versions of FastAPI do not copy the routes of an included router, but keep their full path beside them.
    included = scope.get("fastapi", {}).get("effective_route_context")
    full = included if getattr(included, "original_route", None) is route else route
    path = getattr(full, "path_format", None)
    return None if path is None else _mount_template(scope, route) + path


def _mount_template(scope: Mapping[str, Any], route: Any) -> str:
    """Give the template of the mounts above the route: their path, parameters put back for values."""
    if "app_root_path" not in scope:
        return ""
    mounts: str = scope.get("root_path", "").removeprefix(scope["app_root_path"])
    for name, value in scope.get("path_params", {}).items():
        if name not in route.param_convertors:
            mounts = f"{mounts}/".replace(f"/{value}/", f"/{{{name}}}/", 1)[:-1]
    return mounts
