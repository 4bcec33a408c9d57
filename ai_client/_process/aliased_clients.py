"""The clients of a provider as it shows them: the default ones, and those of aliases."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from .. import operations
from .._libraries import openai
from ..client import AsyncOpenAI, OpenAI
from ..config import ClientConfig
from .clients import DEFAULT_ALIAS, Clients, find


class AliasedClients:
    """Base of a provider: its clients by alias."""

    def __init__(self, aliases: Mapping[str, Clients]) -> None:
        self._aliases = aliases
        self._default = aliases[DEFAULT_ALIAS]

    @property
    def config(self) -> ClientConfig:
        """The options of the default clients."""
        return self._default.config

    @property
    def client(self) -> OpenAI:
        """The default sync client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        return self._default.client

    @property
    def async_client(self) -> AsyncOpenAI:
        """The default async client of this process; it works on any event loop.

        Raises:
            ClientClosedError: The provider is closed.
        """
        return self._default.async_client

    @property
    def official(self) -> "openai.OpenAI":
        """The official SDK's client over `client`, for libraries that take no other.

        Raises:
            ClientClosedError: The provider is closed.
            ImportError: The official SDK is not installed.
        """
        return self._default.official

    @property
    def async_official(self) -> "openai.AsyncOpenAI":
        """The official SDK's client over `async_client`, for libraries that take no other.

        Raises:
            ClientClosedError: The provider is closed.
            ImportError: The official SDK is not installed.
        """
        return self._default.async_official

    @property
    def usage(self) -> "operations.UsageBook":
        """Reports on what the calls of all clients used and cost."""
        return operations.UsageBook(self._aliases)

    @property
    def budgets(self) -> "operations.BudgetBook":
        """The balances of all clients' budgets, to be read, reset and raised."""
        return operations.BudgetBook(self._aliases)

    @property
    def breakers(self) -> "operations.Breakers":
        """The circuits of the targets that are asked, to be read and reset."""
        return operations.Breakers(self._aliases)

    @property
    def cache(self) -> "operations.CacheBook":
        """The cached answers, to be invalidated."""
        return operations.CacheBook(self._aliases)

    @property
    def statistics(self) -> "operations.StatisticsBook":
        """The calls of a time as they were added up, over time and by who made them."""
        return operations.StatisticsBook(self._aliases)

    @property
    def workers(self) -> "operations.WorkerBook":
        """The clients, connections and calls of each process that shares a store with these clients."""
        return operations.WorkerBook(self._aliases)

    @property
    def journal(self) -> "operations.JournalBook":
        """The last calls of all clients, one by one."""
        return operations.JournalBook(self._aliases)

    def __getitem__(self, alias: str) -> Clients:
        return find(self._aliases, alias)

    def __iter__(self) -> Iterator[str]:
        return iter(self._aliases)

    def __len__(self) -> int:
        return len(self._aliases)

    def __contains__(self, alias: object) -> bool:
        return alias in self._aliases

    @property
    def process(self) -> "operations.ProcessState":
        """The clients that this process has built, and their connections, at this moment."""
        return operations.ProcessState.of(self._aliases, self.state)

    @property
    def health(self) -> "operations.Health":
        """Whether this process can serve calls now, found out without one; for probes."""
        return operations.Health(self._aliases, lambda: self.state)

    @property
    def state(self) -> Literal["open", "draining", "closed"]:
        """Whether calls are accepted."""
        raise NotImplementedError

    def override(self, fake_client: Any = None, fake_async_client: Any = None) -> Any:
        """Replace the default clients inside a `with` block, in every thread and task; for tests.

        A client that is not given is not replaced. The caller closes the fakes.
        """
        return self._default.override(fake_client, fake_async_client)
