"""A FastAPI or Starlette application as commands see it."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from typing import Any

from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette

from ai_client import ClientProvider
from ai_client.adapter import Application
from ai_client.errors import ConfigError

from ._mounted import maker_of, settings_of
from ._state import provider_in


def found(candidate: object) -> Application | None:
    """Return the application that an object is, if it is one of Starlette."""
    if not isinstance(candidate, Starlette):
        return None
    make = maker_of(candidate.router)
    source = f"the {type(candidate).__name__} app"
    if make is not None:
        return Application(source, settings_of(candidate.router), cache(make))
    return Application(source, None, partial(_installed, candidate), partial(_running, candidate))


def _installed(app: Starlette) -> ClientProvider:
    """Return the provider that the application's own lifespan has started.

    Raises:
        ConfigError: It has started none.
    """
    provider = provider_in(app.router)
    if provider is None:
        raise ConfigError("This application has no AI clients: its lifespan starts no ai_client_lifespan().")
    return provider


def _running(app: Starlette) -> AbstractContextManager[object]:
    return nullcontext() if provider_in(app.router) else _started(app)


@contextmanager
def _started(app: Starlette) -> Generator[None]:
    """Run the application's lifespan, in which ours may be."""
    lifespan: Any = app.router.lifespan_context(app)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(lifespan):
        yield
