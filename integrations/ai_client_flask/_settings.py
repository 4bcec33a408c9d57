"""Convert `app.config` to the options of clients."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from ai_client.config import ClientConfig
from ai_client.errors import ConfigError

PREFIX = "AI_CLIENT_"
CLIENTS = "AI_CLIENT_CLIENTS"
DEFAULT = "default"


def spell(alias: str, option: str) -> str:
    """Return the name of an option as it is written in `app.config`."""
    if alias == DEFAULT:
        return f"{PREFIX}{option.upper()}"
    return f"{CLIENTS}[{alias!r}][{option!r}]"


def read(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of each client by alias: `AI_CLIENT_*` for the default one, `AI_CLIENT_CLIENTS` for others.

    Raises:
        ConfigError: `AI_CLIENT_CLIENTS` is not a mapping of mappings.
    """
    default = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in config.items()
        if key.startswith(PREFIX) and key != CLIENTS
    }
    clients = {DEFAULT: default}
    further: object = config.get(CLIENTS)
    if further is None:
        return clients
    if not isinstance(further, Mapping):
        raise ConfigError(f"{CLIENTS} must map aliases to options: {{'azure': {{'base_url': ...}}}}.")
    for alias, options in cast("Mapping[str, Any]", further).items():
        if alias == DEFAULT:
            raise ConfigError(f"{CLIENTS} is for further clients; configure the default one with {PREFIX}*.")
        if not isinstance(options, Mapping):
            raise ConfigError(f"{CLIENTS}[{alias!r}] must be a mapping of options.")
        clients[alias] = dict(cast("Mapping[str, Any]", options))
    return clients


def configure(config: Mapping[str, Any]) -> dict[str, ClientConfig]:
    """Validate the options of each client.

    Raises:
        ConfigError: A key is unknown or its value is invalid.
    """
    return {
        alias: ClientConfig.make(options, source=partial(spell, alias), further=alias != DEFAULT)
        for alias, options in read(config).items()
    }
