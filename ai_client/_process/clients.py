"""The clients of a provider by alias, two of each, and what stands in their place in tests."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from .. import operations
from .._fork import here
from .._libraries import openai
from .._params.nearest import nearest
from ..client import AsyncOpenAI, BaseClient, OpenAI
from ..config import ClientConfig
from ..errors import ConfigError
from .assembly import Assembly
from .built import BuiltClients, Kind
from .managed import Managed

DEFAULT_ALIAS = "default"


class Clients:
    """The two clients of one alias; each is built when first used.

    Attributes:
        config: Their options.
    """

    def __init__(self, alias: str, assembly: Assembly, build: "Callable[[Clients, Kind], Any]") -> None:
        self.config = assembly.config
        self._alias = alias
        self._assembly = assembly
        self._build = build
        self._built = BuiltClients()
        self._fakes: list[dict[Kind, Any]] = []
        self._client: Any = None
        self._async_client: Any = None

    @property
    def client(self) -> OpenAI:
        """The sync client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        here()
        client: OpenAI | None = self._client
        return self._build(self, "sync") if client is None else client

    @property
    def async_client(self) -> AsyncOpenAI:
        """The async client of this process, for any event loop.

        Raises:
            ClientClosedError: The provider is closed.
        """
        here()
        client: AsyncOpenAI | None = self._async_client
        return self._build(self, "async") if client is None else client

    @property
    def official(self) -> "openai.OpenAI":
        """The official SDK's client over `client`; what stands in its place in tests is returned as it is.

        Raises:
            ClientClosedError: The provider is closed.
            ImportError: The official SDK is not installed.
        """
        found: openai.OpenAI = _official(self.client)
        return found

    @property
    def async_official(self) -> "openai.AsyncOpenAI":
        """The official SDK's client over `async_client`; what stands in its place in tests is returned as it is.

        Raises:
            ClientClosedError: The provider is closed.
            ImportError: The official SDK is not installed.
        """
        found: openai.AsyncOpenAI = _official(self.async_client)
        return found

    @property
    def usage(self) -> "operations.UsageBook":
        """Reports on what the calls of these clients used and cost."""
        return operations.UsageBook({self._alias: self})

    @property
    def budgets(self) -> "operations.BudgetBook":
        """The balances of these clients' budgets, to be read, reset and raised."""
        return operations.BudgetBook({self._alias: self})

    @property
    def breakers(self) -> "operations.Breakers":
        """The circuits of the targets that are asked, to be read and reset."""
        return operations.Breakers({self._alias: self})

    @property
    def cache(self) -> "operations.CacheBook":
        """The cached answers, to be invalidated."""
        return operations.CacheBook({self._alias: self})

    @property
    def statistics(self) -> "operations.StatisticsBook":
        """The calls of a time as they were added up, over time and by who made them."""
        return operations.StatisticsBook({self._alias: self})

    @property
    def journal(self) -> "operations.JournalBook":
        """The last calls of these clients, one by one."""
        return operations.JournalBook({self._alias: self})

    @property
    def present(self) -> "OpenAI | None":
        """The sync client if there is one already, or what stands in its place."""
        here()
        client: OpenAI | None = self._client
        return client

    @contextmanager
    def override(self, fake_client: Any = None, fake_async_client: Any = None) -> Generator[None]:
        """Replace the clients inside the block, in every thread and task; for tests.

        A kind that is not given stays as it is. The fakes are the caller's to close.
        """
        fakes: dict[Kind, Any] = {"sync": fake_client, "async": fake_async_client}
        self._fakes.append(fakes)
        self._show()
        try:
            yield
        finally:
            self._fakes.remove(fakes)
            self._show()

    def _policies(self) -> tuple[Any, ...]:
        return self._assembly.layers()

    def _show(self) -> None:
        """Install the latest fake, or what was built."""
        shown = self._built.shown()
        for fakes in self._fakes:
            shown.update({kind: fake for kind, fake in fakes.items() if fake is not None})
        self._client, self._async_client = shown.get("sync"), shown.get("async")

    def _forget(self) -> list[Managed]:
        built = self._built.forget()
        self._show()
        return built

    def _abandon(self) -> list[Managed]:
        """Remove the clients that a forked child has from its parent."""
        built = self._built.abandon()
        self._show()
        return built


def _official(client: Any) -> Any:
    if not isinstance(client, BaseClient):
        return client
    from ..interop import official  # noqa: PLC0415 - only where somebody asks for it

    return official(client)  # type: ignore[call-overload]


def clients_of(
    config: ClientConfig | Mapping[str, Any] | None,
    aliases: Mapping[str, ClientConfig | Mapping[str, Any]],
    build: Callable[[Clients, Kind], Any],
    options: Mapping[str, Any],
) -> dict[str, Clients]:
    """Return the clients of each alias, the default one first.

    Args:
        config: The options of the default one.
        aliases: Those of the others.
        build: Builds a client when it is first used.
        options: Options of the default one that take precedence over those in *config*.

    Raises:
        ConfigError: An option is unknown or ill-typed.
    """
    given: dict[str, Any] = dict(_mapping(aliases, "aliases"))
    if (config is not None or options) and DEFAULT_ALIAS in given:
        place = "in config" if config is not None else "by keywords"
        raise ConfigError(f"The default client is configured twice: {place} and in aliases.")
    default = given.pop(DEFAULT_ALIAS, config)
    configs = {DEFAULT_ALIAS: ClientConfig.make(default, **options)}
    for alias, further in given.items():
        if not isinstance(further, ClientConfig):
            further = _mapping(further, f"aliases[{alias!r}]")  # noqa: PLW2901
        configs[alias] = ClientConfig.make(further, source=f"{alias}.", further=True)
    for alias, one in configs.items():
        if one.warm is not None:
            from .._http.tls import tls_context  # noqa: PLC0415 - needed where there is something to warm
            from .._warming import warm_up  # noqa: PLC0415 - imports every operation that it is given

            address = one.base_url or one.azure_endpoint or "https:"
            usual = one.verify is True and one.cert is None  # another one was built with the configuration
            tls = partial(tls_context, one.trust) if usual and address.startswith("https:") else None
            option = "warm" if alias == DEFAULT_ALIAS else f"{alias}.warm"
            warm_up(one.warm, (True, False), tls=tls, option=option)
    assemblies: dict[int, Assembly] = {}
    for alias, one in configs.items():
        assemblies.setdefault(id(one), Assembly(one, alias))
    return {alias: Clients(alias, assemblies[id(config)], build) for alias, config in configs.items()}


def _mapping(given: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{name} must be a mapping, not {type(given).__name__}.")
    return cast("Mapping[str, Any]", given)


def find(aliases: Mapping[str, Clients], alias: str) -> Clients:
    """Return the clients of an alias.

    Raises:
        ConfigError: There are none.
    """
    found = aliases.get(alias)
    if found is None:
        near = nearest(alias, aliases)
        hint = f"Did you mean {near!r}?" if near else f"Valid aliases: {', '.join(aliases)}."
        raise ConfigError(f"No AI client is configured under the alias {alias!r}. {hint}")
    return found
