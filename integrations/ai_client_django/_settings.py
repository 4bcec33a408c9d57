"""Convert `settings.AI_CLIENT` to the options of clients."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, cast

from ai_client.config import ClientConfig
from ai_client.errors import ConfigError

SETTING = "AI_CLIENT"
DEFAULT = "default"


def spell(alias: str, option: str) -> str:
    """Return the name of an option as it is written in the settings."""
    place = SETTING if alias == DEFAULT else f"{SETTING}[{alias!r}]"
    return f"{place}[{option!r}]" if option else place


def has_aliases(given: Mapping[str, Any]) -> bool:
    """Return whether a setting maps aliases to options; otherwise it holds the options of one client."""
    return isinstance(given.get(DEFAULT), Mapping)


def read(given: object) -> dict[str, dict[str, Any]]:
    """Return the options of each client by alias.

    Raises:
        ConfigError: The setting is not a mapping, has no default, or mixes aliases and options.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{SETTING} must be a dict of options, not of type {type(given).__name__}.")
    setting = cast("Mapping[str, Any]", given)
    if not has_aliases(setting):
        for name, value in setting.items():
            if isinstance(value, Mapping) and not get_close_matches(name, ClientConfig.model_fields):
                raise ConfigError(
                    f"{SETTING} defines several clients, such as {name!r}; one of them must be 'default'."
                )
        return {DEFAULT: dict(setting)}
    clients: dict[str, dict[str, Any]] = {}
    for alias, options in setting.items():
        if not isinstance(options, Mapping) or alias in ClientConfig.model_fields:
            raise ConfigError(
                f"{SETTING}[{alias!r}] is next to 'default', so it must be a client: a dict of options, under a name"
                " that is not an option's."
            )
        clients[alias] = dict(cast("Mapping[str, Any]", options))
    return clients


def configure(clients: Mapping[str, Mapping[str, Any]]) -> dict[str, ClientConfig]:
    """Validate the options of each client.

    Raises:
        ConfigError: An option is unknown or its value is invalid.
    """
    return {
        alias: ClientConfig.make(options, source=partial(spell, alias), further=alias != DEFAULT)
        for alias, options in clients.items()
    }
