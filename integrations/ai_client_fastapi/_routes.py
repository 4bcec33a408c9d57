"""The template of the route that serves a request, such as `/tenants/{tenant}/items/{item}`.

Newer versions of Starlette report the route, but none what it is mounted in, and what the path of a request holds
there is its caller's choice. So the way through the mounts is found as the routers found it: each is asked again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Router

_REST = "/{path}"
"""The end of the template of a mount, which stands for the path within it."""


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the route that serves a request; `None` until one is matched."""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    reported = _reported(scope)
    if reported is not None and "app_root_path" not in scope:  # which mounts set
        return reported
    return _walk(scope, endpoint, reported)


def _reported(scope: Mapping[str, Any]) -> str | None:
    """Return the path of the route in its router, where the framework reports the route."""
    route = scope.get("route")
    if (
        getattr(route, "endpoint", None) is not scope["endpoint"]
    ):  # a mount, or left from the router outside of it
        return None
    # Newer versions of FastAPI do not copy the routes of an included router; their full path is in a context.
    included = scope.get("fastapi", {}).get("effective_route_context")
    full = included if getattr(included, "original_route", None) is route else route
    path: str | None = getattr(full, "path_format", None)
    return path


def _walk(scope: Mapping[str, Any], endpoint: Any, reported: str | None) -> str | None:
    """Go from the outermost router to the endpoint, and join the templates on the way."""
    left: dict[str, Any] = {**scope, "path_params": {}}
    left["root_path"] = left.pop("app_root_path", scope.get("root_path", ""))
    left.pop("fastapi", None)
    router, mounts = router_of(scope.get("router")), ""
    while router is not None:
        routes = list(routes_of(router))
        inside = left["root_path"] != scope.get("root_path", "")  # of a mount that is still to come
        if not inside and reported is not None and not any(map(_is_pathless, routes)):
            return mounts + reported
        found = _match(filter(_holds_routes, routes) if inside else routes, left)
        if found is None:
            break
        route, child = found
        path: str = getattr(route, "path_format", "")  # a host has none
        if not _holds_routes(route):
            return mounts + path if child.get("endpoint") is endpoint else reported
        router = router_of(getattr(route, "app", None))
        if router is None:  # any other application
            here = child.get("endpoint") is endpoint or reported is None
            return mounts + (path if here else path.removesuffix(_REST) + (reported or "")) or None
        if child.get("endpoint") is endpoint:  # the router in there has not matched yet
            return None
        mounts += path.removesuffix(_REST)
        left.update(child)
        left["root_path"] = getattr(router, "root_path", "") or left["root_path"]
    return reported


def _holds_routes(route: Any) -> bool:
    return not hasattr(route, "endpoint")


def _is_pathless(route: Any) -> bool:
    """Return whether a route leads into another router and takes no part of the path for it."""
    return _holds_routes(route) and not getattr(route, "path", "")


def _match(routes: Iterable[Any], scope: dict[str, Any]) -> tuple[Any, Mapping[str, Any]] | None:
    """Return the route that a router chooses: the first that matches, or else the first of another method."""
    partial: tuple[Any, Mapping[str, Any]] | None = None
    for route in routes:
        match, child = route.matches(scope)
        if match is Match.FULL:
            return route, child
        if match is Match.PARTIAL and partial is None:
            partial = route, child
    return partial


def routes_of(router: Starlette | Router) -> Iterator[BaseRoute]:
    """Yield the routes of a router in their order, those of included routers with their full paths."""
    for route in router.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield route
            continue
        for context in contexts():
            yield context.starlette_route or context


def router_of(app: Any) -> Starlette | Router | None:
    """Return the application with routes that *app* is, or that middleware around it holds."""
    seen = set[int]()
    while app is not None and id(app) not in seen:
        if isinstance(app, Starlette | Router):
            return app
        seen.add(id(app))
        app = getattr(app, "app", None)
    return None
