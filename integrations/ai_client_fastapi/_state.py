"""Where an application stores its provider, and how a request finds it."""

from collections.abc import Mapping
from typing import Any

from ai_client import ClientProvider
from ai_client.errors import ConfigError

from ._errors import extend_to_mounted
from ._labels import begin_labelling, end_labelling

_NAME = "ai_client"
_LATE = "ai_client_is_late"
_RAN = "ai_client_lifespan_ran"


def install(app: Any, router: Any, provider: ClientProvider, *, late: bool = False) -> None:
    """Store *provider* where requests of *app*, and of applications mounted in it, find it.

    It is `app.state.ai_client`. A mounted application has another state, but the outermost router stays in the
    scope of every request below it, so the provider is stored on the router too.

    Args:
        app: The application, where it is known.
        router: Its router.
        provider: The provider of the clients.
        late: Whether no lifespan has run; one that runs later replaces the provider.
    """
    for place in _places(app, router):
        setattr(place, _NAME, provider)
        setattr(place, _LATE, late)
    begin_labelling(router if app is None else app)
    if app is not None:
        extend_to_mounted(app)


def remove(app: Any, provider: ClientProvider) -> None:
    """Undo `install`, unless another provider has been stored meanwhile."""
    for place in _places(app, app.router):
        if getattr(place, _NAME, None) is provider:
            delattr(place, _NAME)
    end_labelling(app)


def begin_lifespan(app: Any) -> ClientProvider | None:
    """Note that a lifespan runs; remove and return a provider that was started without one.

    Raises:
        ConfigError: Something else has the provider's place in the application's state.
    """
    taken = getattr(app.state, _NAME, None)
    if taken is not None and not isinstance(taken, ClientProvider):
        raise ConfigError(
            f"app.state.{_NAME} is taken: it holds an object of type {type(taken).__name__!r}, where the lifespan "
            "keeps the provider of the AI clients. Give that object another name in app.state."
        )
    setattr(app.router, _RAN, True)
    provider: ClientProvider | None = getattr(app.router, _NAME, None)
    if provider is None or not getattr(app.router, _LATE, False):
        return None
    remove(app, provider)
    return provider


def lifespan_ran(router: Any) -> bool:
    """Return whether a lifespan with a provider has run."""
    return getattr(router, _RAN, False)


def find(scope: Mapping[str, Any]) -> ClientProvider | None:
    """Return the provider of the application that serves a request, or else of the one it is mounted in."""
    for place in (getattr(scope.get("app"), "state", None), scope.get("router")):
        provider = getattr(place, _NAME, None)
        if isinstance(provider, ClientProvider):  # an application may keep something else under that name
            return provider
    return None


def _places(app: Any, router: Any) -> list[Any]:
    return [router] if app is None else [app.state, router]
