"""Start clients on the first request, for servers that run no lifespan, such as daphne."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ai_client import ClientProvider, current_labels, labels

from ._labels import is_labelled
from ._routes import route_template
from ._state import find, install, lifespan_ran

logger = logging.getLogger("ai_client")

_MAKER = "ai_client_provider"
_lock = threading.Lock()


def mark(lifespan: Callable[..., Any], make: Callable[[], ClientProvider]) -> None:
    """Store on a lifespan how its provider is built, for servers that do not run it."""
    setattr(lifespan, _MAKER, make)


def provider_of(scope: Mapping[str, Any]) -> ClientProvider:
    """Return the provider of the application that serves a request, or else of the one it is mounted in.

    If the server has run no lifespan, the clients are started here, on the event loop that serves the request.
    They close when the process ends, and drain from the signal that ends it.

    Raises:
        RuntimeError: Neither application has a lifespan with a provider, or the lifespan has ended.
        ConfigError: An option is unknown or ill-typed.
    """
    provider = find(scope)
    if provider is None:
        with _lock:
            provider = find(scope) or _start(scope)
    if provider is None:
        message = (
            "This application has no AI client, because no lifespan with one has run. Create the application with "
            "FastAPI(lifespan=ai_client_lifespan()), or call app.include_router(ai_client_router()). Under a server "
            "that runs no lifespan, such as daphne or uvicorn --lifespan off, a lifespan that is called inside another "
            "is not found: pass the outer one as ai_client_lifespan(wraps=...), or start a server that runs it, with "
            "uvicorn --lifespan on. In a test, enter the lifespan (`with TestClient(app) as http:`) or set "
            "app.dependency_overrides[get_ai_client]."
        )
        logger.error("%s", message)  # some servers do not log an application's errors
        raise RuntimeError(message)
    if (
        is_labelled(scope) and current_labels().endpoint is None
    ):  # this is a copy of the scope that the middleware has
        labels(endpoint=route_template(scope))
    return provider


def _start(scope: Mapping[str, Any]) -> ClientProvider | None:
    app = scope.get("app")
    own = getattr(app, "router", None)
    for router in (own, scope.get("router")):
        make = None if router is None or lifespan_ran(router) else _maker_of(router)
        if make is not None:
            break
    else:
        return None
    try:
        provider = make().start()
    except Exception:
        logger.exception("The AI clients could not be started.")
        raise
    provider.adopt_loop()
    install(app if router is own else None, router, provider, late=True)
    logger.warning(
        "The server runs no lifespan: the AI clients start with this request, whose calls have no endpoint yet."
    )
    return provider


def _maker_of(router: Any) -> Callable[[], ClientProvider] | None:
    for part in _parts_of(getattr(router, "lifespan_context", None)):
        make: Callable[[], ClientProvider] | None = getattr(part, _MAKER, None)
        if make is not None:
            return make
    return None


def _parts_of(lifespan: Any) -> Iterator[Any]:
    """Yield the lifespans that a merged one consists of: a router keeps those of included routers in closures."""
    left, seen = [lifespan], set[int]()
    while left:
        part = left.pop()
        if id(part) in seen or not callable(part):
            continue
        seen.add(id(part))
        yield part
        left.append(getattr(part, "__wrapped__", None))
        for cell in getattr(part, "__closure__", None) or ():
            try:
                left.append(cell.cell_contents)
            except ValueError:  # an empty cell
                continue
