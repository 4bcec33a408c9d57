"""Label calls with the route template of the request that they serve."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_client.adapter import RequestScope


class LabelMiddleware:
    """Sets the labels of each request, for its background tasks and its streamed body too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        with RequestScope(partial(route_template, scope)):
            await self.app(scope, receive, send)


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the route that serves a request, such as `/items/{id}`; `None` until one is matched."""
    route = scope.get("route")
    if (
        getattr(route, "endpoint", None) is None
    ):  # not matched yet, or a mount, within which matching continues
        return None
    # Newer versions of FastAPI do not copy the routes of an included router; their full path is in a context.
    included = scope.get("fastapi", {}).get("effective_route_context")
    full = included if getattr(included, "original_route", None) is route else route
    path = getattr(full, "path_format", None)
    return None if path is None else _mount_template(scope, route) + path


def _mount_template(scope: Mapping[str, Any], route: Any) -> str:
    """Return the template of the mounts above the route: their path, with values replaced by parameter names."""
    if "app_root_path" not in scope:
        return ""
    mounts: str = scope.get("root_path", "").removeprefix(scope["app_root_path"])
    for name, value in scope.get("path_params", {}).items():
        if name not in route.param_convertors:
            mounts = f"{mounts}/".replace(f"/{value}/", f"/{{{name}}}/", 1)[:-1]
    return mounts
