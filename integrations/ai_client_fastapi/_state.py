"""Where an application stores its provider, and where it finds it again."""

from typing import Any

from ai_client import ClientProvider
from ai_client.adapter import Remedy
from ai_client.errors import ConfigError

from ._errors import extend_to_mounted
from ._labels import begin_labelling, end_labelling

_NAME = "ai_client"
_INSTALLED = "ai_client_installed"
_RAN = "ai_client_lifespan_ran"
_REMEDY = Remedy(
    "Take the client of the process: with a parameter of the type AIClientDep or SyncAIClientDep, or in Starlette by"
    " `await get_ai_client(request)`.",
    "Take the official client of the process: with a parameter of the type OfficialAIClientDep or"
    " SyncOfficialAIClientDep.",
)


class Installed:
    """A provider that an application has, from the start of a lifespan to its end.

    It is `app.state.ai_client`, unless the application keeps a provider there. A mounted application has another
    state, but the outermost router stays in the scope of every request below it, so the provider is stored there.

    Args:
        app: The application, where it is known.
        router: Its router.
        provider: The provider of the clients.
        late: Whether no lifespan has run; one that runs later replaces the provider.
    """

    def __init__(self, app: Any, router: Any, provider: ClientProvider, *, late: bool = False) -> None:
        self.provider = provider
        self.late = late
        self._router = router
        self._labelled = router if app is None else app
        before = _installed(router)
        places = [router] if app is None else [app.state, router]
        self._places: list[Any] = (
            before[-1]._places if before else [place for place in places if not hasattr(place, _NAME)]
        )
        self._replace(before, [*before, self])
        begin_labelling(self._labelled)
        provider.detect_extra_clients(debug=getattr(app, "debug", False), remedy=_REMEDY)
        if app is not None:
            extend_to_mounted(app)

    def remove(self) -> None:
        """Remove the provider; the latest of those that the application has besides takes its place."""
        before = _installed(self._router)
        self._replace(before, [one for one in before if one is not self])
        end_labelling(self._labelled)

    def _replace(self, before: "list[Installed]", after: "list[Installed]") -> None:
        setattr(self._router, _INSTALLED, after)
        for place in self._places:
            if before and getattr(place, _NAME, None) is not before[-1].provider:
                continue  # somebody has put something else there
            if after:
                setattr(place, _NAME, after[-1].provider)
            else:
                delattr(place, _NAME)
        changes.count += 1


class _Changes:
    """The number of changes so far of what is installed in any application."""

    count = 0


changes = _Changes()


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
    latest = _latest(app.router)
    if latest is None or not latest.late:
        return None
    latest.remove()
    return latest.provider


def lifespan_ran(router: Any) -> bool:
    """Return whether a lifespan with a provider has run."""
    return getattr(router, _RAN, False)


def provider_in(router: Any) -> ClientProvider | None:
    """Return the provider of the application with a router, if it has one."""
    latest = _latest(router)
    return None if latest is None else latest.provider


def is_late(router: Any) -> bool:
    """Return whether the provider of an application was started without a lifespan."""
    latest = _latest(router)
    return latest is not None and latest.late


def _latest(router: Any) -> Installed | None:
    installed = _installed(router)
    return installed[-1] if installed else None


def _installed(router: Any) -> list[Installed]:
    return getattr(router, _INSTALLED, [])
