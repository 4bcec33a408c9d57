"""Where an application keeps its provider, and how a request finds it."""

from collections.abc import Mapping
from typing import Any

from ai_client import ClientProvider

from ._labels import LabelMiddleware

_NAME = "ai_client"


def install(app: Any, provider: ClientProvider) -> None:
    """Make *provider* the one that requests of *app*, and of what is mounted below it, find.

    It is `app.state.ai_client`. A mounted application has another state, but the outermost router stays in the
    scope of every request below it, so the router knows the provider too. Requests get their labels around
    everything, since an application that has started takes no more middleware inside.
    """
    for place in (app.state, app.router):
        setattr(place, _NAME, provider)
    app.middleware_stack = LabelMiddleware(app.middleware_stack or app.build_middleware_stack())


def remove(app: Any, provider: ClientProvider) -> None:
    """Undo `install`, unless another provider has taken the place."""
    for place in (app.state, app.router):
        if getattr(place, _NAME, None) is provider:
            delattr(place, _NAME)
    if isinstance(app.middleware_stack, LabelMiddleware):
        app.middleware_stack = app.middleware_stack.app


def find(scope: Mapping[str, Any]) -> ClientProvider:
    """Give the provider of the application that serves a request, or else of the one it is mounted in.

    Raises:
        RuntimeError: Neither ran a lifespan with a provider.
    """
    provider: ClientProvider | None = getattr(getattr(scope.get("app"), "state", None), _NAME, None)
    if provider is None:
        provider = getattr(scope.get("router"), _NAME, None)
    if provider is None:
        raise RuntimeError(
            "This application has no AI client, because no lifespan with one has run. Either make it with "
            "FastAPI(lifespan=ai_client_lifespan()), or call app.include_router(ai_client_router()). In a test, "
            "enter the lifespan (`with TestClient(app) as http:`) or set "
            "app.dependency_overrides[get_ai_client]."
        )
    return provider
