"""The object behind `settings.AI_CLIENT` once the app is loaded."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

from ai_client import AsyncOpenAI, OpenAI
from ai_client.adapter import Settings, has_aliases, shown
from ai_client.provider import DEFAULT_ALIAS, ClientProvider, Clients

SETTING = "AI_CLIENT"


class Handle(Mapping[str, Any]):
    """The clients of one alias: attribute access is that of the sync client, item access that of its options.

    The names of mapping methods (`get`, `keys`, `items`, `values`) refer to the options; use `.client` for
    those of the client.
    """

    def __init__(self, owner: "SettingsHandle", alias: str, options: Mapping[str, Any]) -> None:
        self._owner = owner
        self._alias = alias
        self._options = options
        self._found: Clients | None = None

    @property
    def _clients(self) -> Clients:
        found = self._found
        if found is None:
            found = self._found = self._owner.provider[self._alias]
        return found

    @property
    def client(self) -> OpenAI:
        """The sync client of this process, built on first use."""
        return self._clients.client

    @property
    def async_client(self) -> AsyncOpenAI:
        """The async client of this process, built on first use; it works on any event loop."""
        return self._clients.async_client

    def override(self, fake: Any) -> AbstractContextManager[Any]:
        """Replace the clients by *fake* inside a `with` block, in every thread and task; for tests.

        *fake* is an `Upstream`, which both clients then talk to; a client, which replaces that of its kind; or
        any other object, which replaces both.
        """
        from ai_client.testing import override  # noqa: PLC0415 - for tests only

        return override(self._clients, fake)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # introspection must not build a client
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.client, name)

    def __getitem__(self, name: str) -> Any:
        return self._options[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{SETTING}{_written(self._options)}>"


class SettingsHandle(Handle):
    """`settings.AI_CLIENT`: the default client, and the others by alias.

    `handle[name]` is the handle of an alias where there is one, otherwise an option of the default client; no
    alias may have the name of an option. Iteration yields the keys of the setting.

    Args:
        given: The setting as written: options, or options by alias. It is validated on first use.
    """

    def __init__(self, given: object) -> None:
        self.given = given
        setting: dict[str, Any] = {}
        if isinstance(given, Mapping):
            setting.update(cast("Mapping[str, Any]", given))
        if has_aliases(setting):
            for alias, options in setting.items():
                if isinstance(options, Mapping):
                    setting[alias] = Handle(self, alias, cast("Mapping[str, Any]", options))
        super().__init__(self, DEFAULT_ALIAS, setting)
        self._made: dict[str, ClientProvider] = {}

    @property
    def settings(self) -> Settings:
        """The options of each client.

        Raises:
            ConfigError: The setting is not a dict of options, or mixes aliases and options.
        """
        return Settings.from_mapping(self.given, name=SETTING)

    @property
    def provider(self) -> ClientProvider:
        """The provider of the clients.

        Raises:
            ConfigError: The setting is invalid.
        """
        provider = self._made.get(DEFAULT_ALIAS)
        if provider is None:  # no lock, which a thread might hold at a fork: the first to be stored wins
            provider = self._made.setdefault(DEFAULT_ALIAS, self.settings.make_provider(warn=False))
        return provider

    def _end(self) -> None:
        """Close the clients, if any; called when an overridden setting ends."""
        for provider in self._made.values():
            provider.close()

    def __getitem__(self, name: str) -> Any:
        if name in self._options:
            return self._options[name]
        if DEFAULT_ALIAS in self._options:
            return self._options[DEFAULT_ALIAS][name]
        if name == DEFAULT_ALIAS:
            return self
        raise KeyError(name)


def _written(options: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for name, value in options.items():
        if isinstance(value, Handle):
            parts.append(f"{name}{_written(value._options)}")
        else:
            parts.append(f"{name}={shown(name, value)}")
    return f"({', '.join(parts)})"
