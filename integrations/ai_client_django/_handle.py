"""The dict behind `settings.AI_CLIENT` once the app is loaded."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex, cast

from django.conf import settings

from ai_client import AsyncOpenAI, OpenAI
from ai_client.adapter import Remedy, Settings, has_aliases, shown
from ai_client.provider import DEFAULT_ALIAS, ClientProvider, Clients

from ._generations import Generation, StandIn
from ._members import has_member, members, refuse_assignment
from ._operations import AliasOperations, ProviderOperations

if TYPE_CHECKING:
    import openai
else:  # which imports it once an annotation is evaluated
    from ai_client.interop import openai

SETTING = "AI_CLIENT"
_REMEDY = Remedy(
    f"Use that of the process: settings.{SETTING}.client or settings.{SETTING}.async_client.",
    f"Use that of the process: settings.{SETTING}.official or settings.{SETTING}.async_official.",
)


class Handle(AliasOperations, dict[str, Any]):
    """The options of one alias as written, and its clients: other attributes are those of the sync client.

    Where both have a name (`get`, `copy`, `update`, ...) it is the dict's; `.client` has the client's. A changed option
    leads to new clients, and the old ones are closed. Copies of any kind are plain dicts.
    """

    __slots__ = ("_alias", "_owner")
    _alias: str
    _owner: "SettingsHandle"

    def __init__(self, owner: "SettingsHandle", alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_alias", alias)

    @property
    def client(self) -> OpenAI:
        """The sync client of this process, built on first use."""
        return self._clients.client

    @property
    def async_client(self) -> AsyncOpenAI:
        """The async client of this process, built on first use; it works on any event loop."""
        return self._clients.async_client

    @property
    def official(self) -> "openai.OpenAI":
        """The official SDK's client over `client`, for libraries that take no other.

        Raises:
            ImportError: The official SDK is not installed.
        """
        return self._clients.official

    @property
    def async_official(self) -> "openai.AsyncOpenAI":
        """The official SDK's client over `async_client`, for libraries that take no other.

        Raises:
            ImportError: The official SDK is not installed.
        """
        return self._clients.async_official

    @property
    def _clients(self) -> Clients:
        return self._owner.provider[self._alias]

    @contextmanager
    def override(self, fake: Any) -> Generator[Any]:
        """Replace the clients by *fake* inside a `with` block, in every thread and task; for tests.

        *fake* is an `Upstream`, which both clients then talk to; a client, which replaces that of its kind; or
        any other object, which replaces both. It stays in their place when an option is changed.
        """
        with self._owner.replaced(StandIn(self._alias, fake)):
            yield fake

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.client_having(name), name)

    def client_having(self, name: str) -> Any:
        """Return the sync client for the sake of one of its attributes; build it only if it may have that.

        Raises:
            AttributeError: There is no client yet, and its class has no such attribute.
        """
        provider = self._owner.made()
        present = None if provider is None else provider[self._alias].present
        if present is not None:
            return present
        if not has_member(self._client_class, name):
            raise AttributeError(
                f"Neither a dict nor the client of settings.{SETTING} has an attribute {name!r}."
            )
        return self.client

    def client_members(self) -> Iterator[str]:
        """Yield the names of the sync client's attributes, as far as its class shows."""
        return members(self._client_class)

    @property
    def _client_class(self) -> object:
        return self.get("client_class")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        refuse_assignment(f"settings.{SETTING}", name)

    def __delattr__(self, name: str) -> NoReturn:
        refuse_assignment(f"settings.{SETTING}", name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.client_members()})

    def __bool__(self) -> bool:
        return True  # a client, also where all its options come from the environment

    def __repr__(self) -> str:
        return f"<{SETTING}{_written(self)}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (self.copy(),)

    @staticmethod
    def fromkeys(names: Iterable[str], value: Any = None) -> dict[str, Any]:  # type: ignore[override]
        """Return a plain dict with a value for each name."""
        return dict.fromkeys(names, value)

    def copy(self) -> dict[str, Any]:
        """Return a plain dict of the options, as written."""
        return {name: dict(value) if isinstance(value, Handle) else value for name, value in self.items()}

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._owner.settle()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._owner.settle()

    def update(self, *given: Any, **more: Any) -> None:
        """Change several options."""
        super().update(*given, **more)
        self._owner.settle()

    def setdefault(self, name: str, default: Any = None, /) -> Any:
        """Return an option; set it if it is missing."""
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, *default: Any) -> Any:
        """Remove an option and return its value."""
        value = super().pop(name, *default)
        self._owner.settle()
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last option and return it."""
        item = super().popitem()
        self._owner.settle()
        return item

    def clear(self) -> None:
        """Remove all options."""
        super().clear()
        self._owner.settle()


class SettingsHandle(ProviderOperations, Handle):
    """`settings.AI_CLIENT`: the default client, and the others by alias.

    `handle[name]` is the handle of an alias where there is one, otherwise an option of the default client; no
    alias may have the name of an option.

    Args:
        given: The setting as written: options, or options by alias. It is validated on first use.
    """

    __slots__ = ("_generation", "_given", "_stand_ins")
    _generation: Generation
    _given: object
    _stand_ins: list[StandIn]

    def __init__(self, given: object) -> None:
        is_dict = isinstance(given, Mapping)
        super().__init__(self, DEFAULT_ALIAS, cast("Mapping[str, Any]", given) if is_dict else {})
        object.__setattr__(self, "_given", self if is_dict else given)
        object.__setattr__(self, "_stand_ins", [])
        self._wrap_aliases()
        object.__setattr__(self, "_generation", Generation(self))

    @property
    def settings(self) -> Settings:
        """The options of each client.

        Raises:
            ConfigError: The setting is not a dict of options, or mixes aliases and options.
        """
        return Settings.from_mapping(self._given, name=SETTING, place="django")

    @property
    def provider(self) -> ClientProvider:
        """The provider of the clients.

        Raises:
            ConfigError: The setting is invalid.
        """
        generation = self.settle()
        provider = generation.provider
        return self._make_provider(generation) if provider is None else provider

    def _make_provider(self, generation: Generation) -> ClientProvider:
        provider = self.settings.make_provider(warn=False)
        for stand_in in list(self._stand_ins):
            stand_in.enter(provider)
        kept = generation.keep(provider)
        kept.detect_extra_clients(debug=settings.DEBUG, remedy=_REMEDY)
        return kept

    def made(self) -> ClientProvider | None:
        """Return the provider of the present options if there is one yet."""
        return self.settle().provider

    def settle(self) -> Generation:
        """Return the clients of the present options, and close those of earlier ones."""
        generation = self._generation
        while generation.options != self:  # compared, as nothing tells of a change in nested dicts and lists
            self._wrap_aliases()
            following = generation.followed_by(Generation(self))
            object.__setattr__(self, "_generation", following)
            generation.close()
            generation = following
        return generation

    def close_clients(self) -> None:
        """Close the clients, if any; called when an overridden setting ends."""
        self._generation.close()

    @contextmanager
    def replaced(self, stand_in: StandIn) -> Generator[None]:
        """Replace the clients of an alias inside the block, through changes of options."""
        stand_in.enter(self.provider)
        self._stand_ins.append(stand_in)
        try:
            yield
        finally:
            self._stand_ins.remove(stand_in)
            stand_in.leave()

    def _wrap_aliases(self) -> None:
        if has_aliases(self):
            for alias, options in list(self.items()):
                if isinstance(options, Mapping) and not (
                    isinstance(options, Handle) and options._owner is self
                ):
                    handle = Handle(self, alias, cast("Mapping[str, Any]", options))
                    dict[str, Any].__setitem__(self, alias, handle)

    @property
    def _client_class(self) -> object:
        default = self.get(DEFAULT_ALIAS, self)
        return cast("dict[str, Any]", default).get("client_class") if isinstance(default, dict) else None

    def __missing__(self, name: str) -> Any:
        if DEFAULT_ALIAS in self:
            return self[DEFAULT_ALIAS][name]
        if name == DEFAULT_ALIAS:
            return self
        raise KeyError(name)


def _written(options: Mapping[str, Any]) -> str:
    parts = (
        f"{name}{_written(value)}" if isinstance(value, Handle) else f"{name}={shown(name, value)}"
        for name, value in options.items()
    )
    return f"({', '.join(parts)})"
