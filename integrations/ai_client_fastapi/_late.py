"""The provider that serves a request; on servers that run no lifespan, such as daphne, it starts with the first one."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ai_client import ClientProvider, current_labels, labels
from ai_client.adapter import log_risks
from ai_client.errors import ConfigError
from ai_client.provider import DEFAULT_ALIAS

from ._labels import is_labelled
from ._mounted import check_ignored, is_alike, maker_of, way_to
from ._routes import route_template
from ._state import Installed, changes, is_late, lifespan_ran, provider_in

logger = logging.getLogger("ai_client")

_OWNER = "ai_client_owner"
_lock = threading.Lock()


def provider_of(scope: Mapping[str, Any]) -> ClientProvider:
    """Return the provider of the application that serves a request, or else of the one it is mounted in.

    If the server has run no lifespan, the clients are started here, on the event loop that serves the request.
    They close when the process ends, and drain from the signal that ends it.

    Raises:
        RuntimeError: Neither application has a lifespan with a provider, or the lifespan has ended.
        ConfigError: An option is unknown or ill-typed, or the lifespan of a mounted application, which has other
            options, was not run.
    """
    provider = find_provider(scope)
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
    ):  # the middleware has another copy of the scope
        labels(endpoint=route_template(scope))
    return provider


def find_provider(scope: Mapping[str, Any]) -> ClientProvider | None:
    """Return the provider of the application that serves a request, if it has one, like `provider_of`.

    Raises:
        ConfigError: As for `provider_of`.
    """
    router = getattr(scope.get("app"), "router", None)
    provider = provider_in(router) or _provider_above(router)
    if provider is None:
        with _lock:
            provider = _find(scope)
    return provider


def _provider_above(router: Any) -> ClientProvider | None:
    """Return the provider that a mounted application was found to use, unless anything was installed since."""
    count, owner = getattr(router, _OWNER, (None, None))
    return provider_in(owner) if count == changes.count else None


def _find(scope: Mapping[str, Any]) -> ClientProvider | None:
    """Return the provider of the nearest application around a request that has one, or start one.

    Raises:
        ConfigError: A lifespan in between is ignored, or an option is unknown or ill-typed.
    """
    app = scope.get("app")
    own = getattr(app, "router", None)
    way = way_to(scope.get("router"), own) or [("", scope.get("router")), (scope.get("root_path", ""), own)]
    below: list[tuple[str, Any]] = []
    provider = router = None
    for path, router in reversed(way):
        provider = provider_in(router)
        if provider is not None:
            break
        below.append((path, router))
    if provider is None or is_late(router):
        for _, other in below:
            make = None if lifespan_ran(other) else maker_of(other)
            if make is not None and not (provider and is_alike(make, provider)):
                return _start(make, app if other is own else None, other)
        if provider is None:
            return None
    else:
        for path, other in below:
            try:
                check_ignored(other, path, provider)
            except ConfigError as error:
                logger.error("%s", error)  # noqa: TRY400 - some servers do not log an application's errors
                raise
    if own is not None:
        setattr(own, _OWNER, (changes.count, router))
    return provider


def _start(make: Callable[[], ClientProvider], app: Any, router: Any) -> ClientProvider:
    try:
        provider = make().start()
        log_risks_of(provider)
    except Exception:
        logger.exception("The AI clients could not be started.")
        raise
    provider.adopt_loop()
    Installed(app, router, provider, late=True)
    logger.warning(
        "The server runs no lifespan for this application: the AI clients start with this request, whose calls have no"
        " endpoint yet."
    )
    return provider


def log_risks_of(provider: ClientProvider) -> None:
    """Log what is risky about the options of a provider."""
    log_risks({alias: provider[alias].config for alias in provider}, _spelled)


def _spelled(alias: str, option: str) -> str:
    return option if alias == DEFAULT_ALIAS else f"{alias}.{option}"
