"""From `settings.AI_CLIENT` to the options of clients."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, cast

from ai_client.config import ClientConfig
from ai_client.errors import ConfigError

SETTING = "AI_CLIENT"
DEFAULT = "default"


def spell(alias: str, option: str) -> str:
    """Write an option the way it stands in the settings."""
    place = SETTING if alias == DEFAULT else f"{SETTING}[{alias!r}]"
    return f"{place}[{option!r}]" if option else place


def has_aliases(given: Mapping[str, Any]) -> bool:
    """Tell whether a setting names clients; otherwise it holds the options of one."""
    return isinstance(given.get(DEFAULT), Mapping)


def read(given: object) -> dict[str, dict[str, Any]]:
    """Give the options of each client by alias.

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
                    f"{SETTING} names several clients, {name!r} for one; one of them must be 'default'."
                )
        return {DEFAULT: dict(setting)}
    clients: dict[str, dict[str, Any]] = {}
    for alias, options in setting.items():
        if not isinstance(options, Mapping) or alias in ClientConfig.model_fields:
            raise ConfigError(
                f"{SETTING}[{alias!r}] stands beside 'default', but it is an option or none of the clients:"
                " give each client a dict of its own, named unlike an option."
            )
        clients[alias] = dict(cast("Mapping[str, Any]", options))
    return clients


def configure(clients: Mapping[str, Mapping[str, Any]]) -> dict[str, ClientConfig]:
    """Check the options of each client.

    Raises:
        ConfigError: An option is unknown or its value does not fit.
    """
    return {
        alias: ClientConfig.make(options, source=partial(spell, alias), further=alias != DEFAULT)
        for alias, options in clients.items()
    }
