"""Templates of the routes of Channels, which tells consumers the arguments of their route, but not the route."""

from collections.abc import Mapping
from typing import Any, cast

from django.urls import URLPattern

from ._routes import joined

_DEPTH = 50


def consumer_template(application: Any, scope: Mapping[str, Any]) -> str | None:
    """Return the template of the route by which a connection gets to its consumer.

    It is found as the routers of Channels find the consumer, through middleware with an attribute `inner` or
    `application`, as that of Channels has.

    Args:
        application: What the server calls.
        scope: The connection, as the server describes it.

    Returns:
        `None` where no route leads on, or no router of Channels is found.
    """
    path = str(scope.get("path", "")).removeprefix(scope.get("root_path", ""))
    patterns: list[Any] = []
    for _ in range(_DEPTH):
        routes = _routes_of(application)
        if routes:
            found = _matching(routes, path.lstrip("/"))
            if found is None:
                return None
            route, path = found
            patterns.append(route.pattern)
            application = route.callback
        else:
            application = _inside(application, scope["type"])
        if application is None:
            break
    return joined(patterns) if patterns else None


def _routes_of(application: Any) -> list[URLPattern]:
    routes: Any = getattr(application, "routes", None) or []
    return list(routes) if all(isinstance(route, URLPattern) for route in routes) else []


def _matching(routes: list[URLPattern], path: str) -> tuple[URLPattern, str] | None:
    """Return the first route that matches a path, and the rest of the path."""
    for route in routes:
        match = route.pattern.match(path)
        if match:
            return route, match[0]
    return None


def _inside(application: Any, kind: str) -> Any:
    """Return what an application leads connections of a kind to, if it is a router of kinds or middleware."""
    mapping: Any = getattr(application, "application_mapping", None)
    if isinstance(mapping, Mapping):
        return cast("Mapping[str, Any]", mapping).get(kind)
    return getattr(application, "inner", None) or getattr(application, "application", None)
