"""Lifespans of mounted applications, which Starlette does not run."""

from collections.abc import Callable, Iterator
from typing import Any

from ai_client import ClientProvider
from ai_client.adapter import Settings
from ai_client.errors import ConfigError

from ._routes import router_of, routes_of
from ._state import provider_in

_MAKER = "ai_client_provider"
_SETTINGS = "ai_client_settings"
_FRAMEWORKS = frozenset({"starlette", "fastapi"})


def mark(
    lifespan: Callable[..., Any],
    make: Callable[[], ClientProvider],
    settings: Callable[[], Settings | None],
) -> None:
    """Store on a lifespan how its provider is built and of what, for servers that do not run it and for commands."""
    setattr(lifespan, _MAKER, make)
    setattr(lifespan, _SETTINGS, settings)


def maker_of(router: Any) -> Callable[[], ClientProvider] | None:
    """Return how the provider of a router's lifespan is built, if that is one of ours, or has one in it."""
    make: Callable[[], ClientProvider] | None = getattr(_own_part(router), _MAKER, None)
    return make


def settings_of(router: Any) -> Settings | None:
    """Return the options that a router's lifespan was given, if it is one of ours and was given options."""
    settings: Callable[[], Settings | None] | None = getattr(_own_part(router), _SETTINGS, None)
    return None if settings is None else settings()


def _own_part(router: Any) -> Any:
    parts = _parts_of(getattr(router, "lifespan_context", None))
    return next((part for part in parts if hasattr(part, _MAKER)), None)


def check_mounted(router: Any, provider: ClientProvider) -> None:
    """Make sure that no lifespan below a router is ignored, where nothing can run one later.

    Raises:
        ConfigError: One has other options than *provider* and has not been run.
    """
    if all(_is_known(part) for part in _parts_of(router.lifespan_context)):
        for path, below, _ in _walk(router):
            if provider_in(below) is None:
                check_ignored(below, path, provider)


def check_ignored(router: Any, path: str, provider: ClientProvider) -> None:
    """Make sure that a mounted application which uses *provider* has no lifespan with other options.

    Args:
        router: That of the mounted application.
        path: Where it is mounted.
        provider: That of the application it is mounted in.

    Raises:
        ConfigError: It has one.
    """
    make = maker_of(router)
    if make is None or is_alike(make, provider):
        return
    raise ConfigError(
        f"The application mounted at {path!r} has an ai_client_lifespan with other options than the application that"
        " it is mounted in, but Starlette does not run the lifespan of a mounted application: its requests would go out"
        " with the key and to the address of the other one. Run it in the lifespan of the outer application:"
        " ai_client_lifespan(wraps=own), where own(app) does `async with mounted.router.lifespan_context(mounted):"
        " yield`. Or give its options to the outer application as ai_client_lifespan(aliases={...}), and use"
        " Depends(ai_client(alias)). To share the clients of the outer application, leave its lifespan out."
    )


def way_to(outer: Any, own: Any) -> list[tuple[str, Any]]:
    """Return the routers from the outermost one to a mounted one, each with its path; nothing if there is no way."""
    ways: dict[int, list[tuple[str, Any]]] = {id(outer): [("", outer)]}
    for path, below, parent in _walk(outer):
        ways[id(below)] = [*ways[id(parent)], (path, below)]
    return ways.get(id(own), [])


def _walk(outer: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield every mounted router below one, after that it is mounted in: its whole path, itself and the outer one."""
    left = [] if outer is None else [("", outer)]
    seen = {id(outer)}
    while left:
        prefix, parent = left.pop()
        for route in routes_of(parent):
            found: Any = router_of(getattr(route, "app", None))
            below = getattr(found, "router", found)
            if below is None or id(below) in seen:
                continue
            seen.add(id(below))
            path = f"{prefix}{getattr(route, 'path', '') or getattr(route, 'host', '')}"
            yield path, below, parent
            left.append((path, below))


def is_alike(make: Callable[[], ClientProvider], provider: ClientProvider) -> bool:
    """Return whether a lifespan would build a provider with the same options, or is given the very same one."""
    made = make()
    return made is provider or (
        {alias: made[alias].config for alias in made} == {alias: provider[alias].config for alias in provider}
    )


def _is_known(part: Any) -> bool:
    """Return whether a part of a lifespan is ours, or code of a framework that starts no application."""
    return hasattr(part, _MAKER) or str(getattr(part, "__module__", "")).partition(".")[0] in _FRAMEWORKS


def _parts_of(lifespan: Any) -> Iterator[Any]:
    """Yield the lifespans that a merged one consists of: a router keeps those of included routers in closures."""
    left, seen = [lifespan], set[int]()
    while left:
        part = left.pop()
        if id(part) in seen or not callable(part):
            continue
        seen.add(id(part))
        yield part
        if hasattr(part, _MAKER):
            continue
        left.append(getattr(part, "__wrapped__", None))
        for cell in getattr(part, "__closure__", None) or ():
            try:
                left.append(cell.cell_contents)
            except ValueError:  # an empty cell
                continue
