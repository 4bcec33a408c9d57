"""Clients out of configurations: the class that fits, and the further clients that a chain names by their options."""

import threading
from collections.abc import Mapping
from typing import Any

from .._fork import PerProcess
from ..config import ClientConfig
from ..errors import ConfigError

_NOT_HERE = ("controls", "client_class", "async_client_class", "shutdown_timeout")


def client_of(config: ClientConfig, *, blocking: bool, **options: Any) -> Any:
    """Build the client of a configuration; *options* come before those that it names."""
    given = {**config.options(), **options, "_environment": config.variables}
    return _class_for(config, blocking=blocking)(**given)


def _class_for(config: ClientConfig, *, blocking: bool) -> Any:
    """Return the client class for a configuration: Azure's where it names a resource of Azure."""
    if config.azure_endpoint:
        from .. import azure  # noqa: PLC0415 - only where it is used

        return azure.AzureOpenAI if blocking else azure.AsyncAzureOpenAI
    from .. import client  # noqa: PLC0415 - the resources behind it are loaded on first use

    return client.OpenAI if blocking else client.AsyncOpenAI


class Connection:
    """The clients of some options, of either kind; each is built when first used.

    A client with an address of its own takes no key, name or address from the environment, unless it is told to.

    Raises:
        ConfigError: An option is unknown or ill-typed, or has no meaning for a further client.
    """

    def __init__(self, options: Mapping[str, Any], source: str) -> None:
        for name in _NOT_HERE:
            if name in options:
                raise ConfigError(f"{source}{name}: this is for the client that the chain belongs to.")
        self._config = ClientConfig.make(options, source=source, further=True)
        self._built: dict[bool, Any] = {}
        self._lock = PerProcess(threading.Lock)

    def __call__(self, blocking: bool) -> Any:
        with self._lock():
            client = self._built.get(blocking)
            if client is None or client.is_closed():
                from .._exchange import loop_sender as _bridge  # noqa: PLC0415 - built on first use

                client = client_of(self._config, blocking=blocking)
                self._built[blocking] = client
                if not blocking:
                    _bridge.share(client)
            return client

    def built(self, *, blocking: bool) -> Any:
        """Give the client of a kind if there is one."""
        return self._built.get(blocking)
