"""The lifespan that owns an application's clients."""

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, TypeAlias, Unpack, cast

from ai_client import ClientConfig, ClientOptions, ClientProvider
from ai_client.adapter import Application, Settings, find_applications_by, spell_keyword
from ai_client.errors import ConfigError, OpenAIError
from ai_client.provider import DEFAULT_ALIAS

from ._late import log_risks_of
from ._mounted import check_mounted, mark
from ._state import Installed, begin_lifespan

Config: TypeAlias = ClientConfig | Mapping[str, Any]
Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]
"""The type of the `lifespan` argument of FastAPI and Starlette."""


def ai_client_lifespan(
    config: Config | ClientProvider | None = None,
    *,
    aliases: Mapping[str, Config] | None = None,
    wraps: Callable[[Any], Any] | None = None,
    **options: Unpack[ClientOptions],
) -> Lifespan:
    """Return a lifespan that owns the application's clients.

    Clients are built on first use and closed when the application shuts down. The lifespan can be entered again
    afterwards, as tests do. On a server that runs no lifespan, the clients start with the first request and
    close when the process ends.

    Args:
        config: The options of the clients as a mapping; by default all come from the environment. A provider is used
            as it is, so that several applications of a process can share one: the last that ends closes it.
        aliases: The options of further clients by name, for `Depends(ai_client(name))`.
        wraps: The application's own lifespan, run inside this one: it may use the clients through
            `app.state.ai_client`, and the state that it yields reaches the requests.
        options: The options of the clients as keywords, which take precedence over those in *config*. With `warm` the
            async client is built at startup, so that a missing key stops the application there.

    Raises:
        ConfigError: A provider is given together with options of clients. When the application starts: an option is
            unknown or ill-typed, or an application mounted in it has such a lifespan with other options, which nobody
            runs.
    """
    if config is not None and not isinstance(cast("object", config), ClientConfig | ClientProvider | Mapping):
        raise ConfigError(
            f"A lifespan takes options, not {type(config).__name__}. Call it where the application is made: "
            "FastAPI(lifespan=ai_client_lifespan())."
        )
    if isinstance(config, ClientProvider) and (options or aliases):
        given = ", ".join([*options, *(["aliases"] if aliases else [])])
        raise ConfigError(
            f"{given}: a provider has its options already, configure its clients where it is made."
        )
    own = _as_lifespan(wraps)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[Any]:
        late = begin_lifespan(app)
        if late is not None and late is not config:
            await late.aclose()
        provider = make()
        installed = Installed(app, app.router, provider)
        try:
            async with provider.running():
                log_risks_of(provider)
                _build_if_warm(provider)
                async with nullcontext() if own is None else own(app) as state:
                    check_mounted(app.router, provider)
                    yield state
        finally:
            installed.remove()

    def make() -> ClientProvider:
        if isinstance(config, ClientProvider):
            return config
        try:
            return ClientProvider(config, aliases=aliases, **options)
        except OpenAIError as error:
            # Starlette prints where an error comes from, above what it says: this package's frames help nobody
            raise error.with_traceback(None) from None

    mark(lifespan, make, partial(_settings, config, aliases, options))
    return lifespan


def _settings(
    config: Config | ClientProvider | None, aliases: Mapping[str, Config] | None, options: Mapping[str, Any]
) -> Settings | None:
    """Return the options of a lifespan as they were given; `None` where one is no mapping, which the start reports."""
    if isinstance(config, ClientProvider):
        return Application.of_provider(config, "").settings
    given: Mapping[str, object] = {DEFAULT_ALIAS: config or {}, **(aliases or {})}
    clients: dict[str, Mapping[str, Any]] = {}
    for alias, one in given.items():
        if isinstance(one, ClientConfig):
            clients[alias] = {name: getattr(one, name) for name in one.model_fields_set}
        elif isinstance(one, Mapping):
            clients[alias] = cast("Mapping[str, Any]", one)
        else:
            return None
    clients[DEFAULT_ALIAS] = {**clients[DEFAULT_ALIAS], **options}
    return Settings(clients, spell_keyword, "keyword")


def _found(candidate: object) -> Application | None:
    from ._application import found  # noqa: PLC0415 - for commands

    return found(candidate)


find_applications_by(_found)


def _as_lifespan(given: Callable[[Any], Any] | None) -> Lifespan | None:
    return asynccontextmanager(given) if inspect.isasyncgenfunction(given) else given


def _build_if_warm(provider: ClientProvider) -> None:
    if provider.config.warm is not None:
        try:
            _ = provider.async_client
        except OpenAIError as error:
            raise error.with_traceback(None) from None
