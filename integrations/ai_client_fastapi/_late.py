"""The clients of an application whose server runs no lifespan, as daphne does: they start with the first request."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ai_client import ClientProvider

from ._state import find, install, lifespan_ran

logger = logging.getLogger("ai_client")

_MAKER = "ai_client_provider"
_lock = threading.Lock()


def mark(lifespan: Callable[..., Any], make: Callable[[], ClientProvider]) -> None:
    """Note on a lifespan how its provider is made, for where nobody runs it."""
    setattr(lifespan, _MAKER, make)


def provider_of(scope: Mapping[str, Any]) -> ClientProvider:
    """Return the provider of the application that serves a request, or else of the one it is mounted in.

    Where the server has run no lifespan, the clients start now, on the loop that serves the request. They end with the
    process, and drain from the signal on that ends it.

    Raises:
        RuntimeError: Neither has a lifespan with a provider that could be found, or it has run and ended.
        ConfigError: An option is unknown or ill-typed.
    """
    provider = find(scope)
    if provider is None:
        with _lock:
            provider = find(scope) or _start(scope)
    if provider is None:
        message = (
            "This application has no AI client, because no lifespan with one has run. Either make it with "
            "FastAPI(lifespan=ai_client_lifespan()), or call app.include_router(ai_client_router()). Where the server "
            "runs no lifespan, as daphne, a lifespan that is called inside another cannot be found: give that one as "
            "ai_client_lifespan(wraps=...). In a test, enter the lifespan (`with TestClient(app) as http:`) or set "
            "app.dependency_overrides[get_ai_client]."
        )
        logger.error("%s", message)  # some servers log no error of an application
        raise RuntimeError(message)
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
    """Iterate over the lifespans that one is merged of: a router keeps those of the routers it includes in closures."""
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
            except ValueError:  # it is empty
                continue
