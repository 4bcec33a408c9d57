"""The lifespan that owns an application's clients."""

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from operator import attrgetter
from typing import Any, TypeAlias

from ai_client import ClientConfig, ClientProvider
from ai_client.adapter import log_risks
from ai_client.errors import ConfigError
from ai_client.provider import DEFAULT_ALIAS

from ._late import mark
from ._state import begin_lifespan, install, remove

Config: TypeAlias = ClientConfig | Mapping[str, Any]
Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]
"""The type of the `lifespan` argument of FastAPI and Starlette."""


def ai_client_lifespan(
    config: Config | ClientProvider | None = None,
    *,
    aliases: Mapping[str, Config] | None = None,
    wraps: Callable[[Any], Any] | None = None,
    warm: Sequence[str] = (),
) -> Lifespan:
    """Return a lifespan that owns the application's clients.

    Clients are built on first use and closed when the application shuts down. The lifespan can be entered again
    afterwards, as tests do. On a server that runs no lifespan, the clients start with the first request and
    close when the process ends.

    Args:
        config: The options of the clients; by default all come from the environment. A provider is used as it
            is, so that
            several applications of a process can share one.
        aliases: The options of further clients by name, for `Depends(ai_client(name))`.
        wraps: The application's own lifespan, run inside this one: it may use the clients through
            `app.state.ai_client`,
            and the state that it yields reaches the requests.
        warm: Resources of the async client to load before the first request, such as `"chat.completions"`. The
            client is
            then built at startup too, so that a missing key stops the application there.

    Raises:
        ConfigError: When the application starts, if an option is unknown or ill-typed.
    """
    own = _as_lifespan(wraps)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        if (late := begin_lifespan(app)) is not None:
            await late.aclose()
        provider = _provider(config, aliases).start()
        provider.adopt_loop()
        try:
            install(app, app.router, provider)
            _log_risks(provider)
            _warm(provider, warm)
            async with nullcontext() if own is None else own(app) as state:
                yield state
        finally:
            try:
                await provider.aclose()
            finally:
                remove(app, provider)

    def late() -> ClientProvider:
        provider = _provider(config, aliases)
        _log_risks(provider)
        return provider

    mark(lifespan, late)
    return lifespan


def _provider(config: Config | ClientProvider | None, aliases: Mapping[str, Config] | None) -> ClientProvider:
    if isinstance(config, ClientProvider):
        return config
    return ClientProvider(config, aliases=aliases)


def _spelled(alias: str, option: str) -> str:
    return option if alias == DEFAULT_ALIAS else f"{alias}.{option}"


def _log_risks(provider: ClientProvider) -> None:
    log_risks({alias: provider[alias].config for alias in provider}, _spelled)


def _as_lifespan(given: Callable[[Any], Any] | None) -> Lifespan | None:
    return asynccontextmanager(given) if inspect.isasyncgenfunction(given) else given


def _warm(provider: ClientProvider, names: Sequence[str]) -> None:
    for name in names:
        try:
            attrgetter(name)(provider.async_client)
        except AttributeError:
            raise ConfigError(f"warm: the client has no resource {name!r}.") from None
