"""One client of each kind per process, whatever threads, forks and loops its framework uses."""

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Self

from .config import ClientConfig
from .errors import ClientClosedError, ConfigError

if TYPE_CHECKING:
    from .client import AsyncOpenAI, OpenAI

DEFAULT_ALIAS = "default"
State = Literal["open", "draining", "closed"]


class Clients:
    """The two clients of one alias; each is built when first used.

    Attributes:
        config: Their options.
    """

    def __init__(self, provider: "ClientProvider", config: ClientConfig) -> None:
        self.config = config
        self._provider = provider
        self._client: Any = None
        self._async_client: Any = None

    @property
    def client(self) -> "OpenAI":
        """The blocking client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        client: OpenAI | None = self._client
        return self._provider._build(self, "_client") if client is None else client

    @property
    def async_client(self) -> "AsyncOpenAI":
        """The awaitable client of this process, for any event loop.

        Raises:
            ClientClosedError: The provider is closed.
        """
        client: AsyncOpenAI | None = self._async_client
        return self._provider._build(self, "_async_client") if client is None else client

    @contextmanager
    def override(self, fake_client: Any = None, fake_async_client: Any = None) -> Generator[None]:
        """Give other clients in place of these inside the block, in every thread and task; for tests.

        A kind that is not given stays as it is. The fakes are the caller's to close.
        """
        before = self._client, self._async_client
        if fake_client is not None:
            self._client = fake_client
        if fake_async_client is not None:
            self._async_client = fake_async_client
        try:
            yield
        finally:
            self._client, self._async_client = before


class ClientProvider:
    """Owner of a process's clients: builds each on first use, closes them with the application.

    Args:
        config: The options of the default clients, checked at once.
        aliases: Options of further clients by name; `provider[name]` gives them. `"default"` may stand here
            instead of *config*.

    Raises:
        ConfigError: An option is unknown or ill-typed.
    """

    def __init__(
        self,
        config: ClientConfig | Mapping[str, Any] | None = None,
        *,
        aliases: Mapping[str, ClientConfig | Mapping[str, Any]] | None = None,
    ) -> None:
        given = dict(aliases or {})
        if config is not None and DEFAULT_ALIAS in given:
            raise ConfigError("The default client is configured twice: as config and in aliases.")
        default = given.pop(DEFAULT_ALIAS, config)
        self._default = Clients(self, ClientConfig.make(default))
        self._aliases = {DEFAULT_ALIAS: self._default}
        for alias, options in given.items():
            self._aliases[alias] = Clients(self, ClientConfig.make(options, source=f"{alias}."))
        self._lock = threading.RLock()
        self._state: State = "open"

    @property
    def config(self) -> ClientConfig:
        """The options of the default clients."""
        return self._default.config

    @property
    def client(self) -> "OpenAI":
        """The default blocking client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        return self._default.client

    @property
    def async_client(self) -> "AsyncOpenAI":
        """The default awaitable client of this process, for any event loop.

        Raises:
            ClientClosedError: The provider is closed.
        """
        return self._default.async_client

    def __getitem__(self, alias: str) -> Clients:
        found = self._aliases.get(alias)
        if found is None:
            near = get_close_matches(alias, self._aliases, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(self._aliases)}."
            raise ConfigError(f"No AI client is configured under the alias {alias!r}. {hint}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._aliases)

    def __len__(self) -> int:
        return len(self._aliases)

    def __contains__(self, alias: object) -> bool:
        return alias in self._aliases

    @property
    def state(self) -> State:
        """Whether calls are taken (`open`), only finished (`draining`), or over (`closed`)."""
        return self._state

    def override(self, fake_client: Any = None, fake_async_client: Any = None) -> Any:
        """Give other default clients inside a `with` block, in every thread and task; for tests.

        A kind that is not given stays as it is. The fakes are the caller's to close.
        """
        return self._default.override(fake_client, fake_async_client)

    def adopt_loop(self) -> None:
        """Take the running event loop for the main loop of the process: a server's, which lives as long.

        Calls from it use its connections directly; calls from any other loop cross over to a loop that the process
        keeps for them.
        """

    def start(self) -> Self:
        """Take calls, also again after `close`; clients are still built on first use."""
        self._state = "open"
        return self

    def drain(self) -> None:
        """Take no more calls, and close when those under way have ended; returns at once."""
        self._state = "draining"

    def close(self) -> None:
        """Take no more calls, wait for those under way up to `shutdown_timeout`, and close the clients.

        In an event loop, await `aclose` instead: what runs in that loop cannot end while this blocks it.
        """
        self._state = "closed"
        for clients in self._aliases.values():
            client, clients._client, clients._async_client = clients._client, None, None
            if client is not None:
                client.close()

    async def aclose(self) -> None:
        """Take no more calls, wait for those under way up to `shutdown_timeout`, and close the clients."""
        waiting = [clients._async_client for clients in self._aliases.values() if clients._async_client]
        self.close()
        for client in waiting:
            await client.close()

    def _build(self, clients: Clients, kind: Literal["_client", "_async_client"]) -> Any:
        with self._lock:
            if self._state != "open":
                raise ClientClosedError("The application's AI client is closed; start() opens it again.")
            client = getattr(clients, kind)
            if client is None:
                from . import client as ours  # noqa: PLC0415 - built on first use

                make = ours.OpenAI if kind == "_client" else ours.AsyncOpenAI
                client = make(**clients.config.options())
                setattr(clients, kind, client)
            return client
