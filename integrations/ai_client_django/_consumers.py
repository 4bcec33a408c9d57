"""Templates of the routes of Channels, which tells consumers the arguments of their route, but not the route."""

from collections.abc import Mapping
from typing import Any

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
        mapping = getattr(application, "application_mapping", None)
        routes = getattr(application, "routes", None)
        if isinstance(mapping, Mapping):
            application = mapping.get(scope["type"])  # pyright: ignore[reportUnknownMemberType]
        elif routes and all(isinstance(route, URLPattern) for route in routes):
            matches = ((route, route.pattern.match(path.lstrip("/"))) for route in routes)
            route, match = next(((route, match) for route, match in matches if match), (None, None))
            if route is None or match is None:
                return None
            patterns.append(route.pattern)
            application, path = route.callback, match[0]
        else:
            application = getattr(application, "inner", None) or getattr(application, "application", None)
        if application is None:
            break
    return joined(patterns) if patterns else None
