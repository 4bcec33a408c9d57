"""Clients out of configurations: the class that fits, and the further clients that a chain names by their options."""

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from .._call import constructions
from .._fork import PerProcess
from .._http.library import library
from .._params.key_file import KeyFile
from ..config import ClientConfig
from .http_clients import http_client_of, is_kept

_OF_THE_PROVIDER = frozenset(
    {
        "shutdown_timeout",
        "warn_on_extra_clients",
        "client_class",
        "async_client_class",
        "http_client",
        "async_http_client",
        "controls",
        "environment",
        "warm",
    }
)
_OF_AZURE = frozenset(
    {"azure_endpoint", "azure_deployment", "azure_ad_token", "azure_ad_token_provider", "api_version"}
)
_NOT_OF_AZURE = frozenset({"base_url", "data_residency", "workload_identity"})
_DECIDES_ANSWERS = (
    "base_url",
    "data_residency",
    "uds",
    "azure_endpoint",
    "azure_deployment",
    "api_version",
    "organization",
    "project",
    "default_headers",
    "default_query",
)


def arguments_of(config: ClientConfig) -> dict[str, Any]:
    """Return the arguments for `OpenAI` and `AsyncOpenAI`, without what these take from the environment."""
    unused = {*_OF_THE_PROVIDER, *(_NOT_OF_AZURE if config.azure_endpoint else _OF_AZURE)}
    found = {name: getattr(config, name) for name in type(config).model_fields if name not in unused}
    if (path := found.pop("api_key_file")) is not None:
        found["api_key"] = KeyFile(path)  # which derived classes take too
    if "timeout" not in config.model_fields_set:
        del found["timeout"]  # the client's own default grants less for connecting
    elif isinstance(config.timeout, Mapping):
        found["timeout"] = library(config.http_backend).http.Timeout(**config.timeout)
    return found


def client_of(config: ClientConfig, *, sync: bool, **arguments: Any) -> Any:
    """Build the client of a configuration; *arguments* come before those that it names."""
    given = {"_environment": config.variables, **arguments_of(config), **arguments}
    given["http_client"] = http_client_of(config, sync=sync)
    client = _class_for(config, sync=sync)(**given)
    client._sender.is_kept = is_kept(config, sync=sync)
    return client


def _class_for(config: ClientConfig, *, sync: bool) -> Any:
    """Return the client class for a configuration: Azure's where it names a resource of Azure."""
    if config.azure_endpoint:
        from .. import azure  # noqa: PLC0415 - only where it is used

        return azure.AzureOpenAI if sync else azure.AsyncAzureOpenAI
    from .. import client  # noqa: PLC0415 - the resources behind it are loaded on first use

    return client.OpenAI if sync else client.AsyncOpenAI


class FurtherClients:
    """The clients of a chain's target, of either kind; each is built when first used."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._built: dict[bool, Any] = {}
        self.made: dict[bool, int] = {}
        """How many of each kind were built."""
        self._lock = PerProcess(threading.Lock)

    def __call__(self, sync: bool) -> Any:
        with self._lock():
            client = self._built.get(sync)
            if client is None or client.is_closed():
                from .._exchange import loop_sender as _bridge  # noqa: PLC0415 - built on first use

                with constructions.expected("a fallback target"):
                    client = client_of(self._config, sync=sync)
                self._built[sync] = client
                self.made[sync] = self.made.get(sync, 0) + 1
                if not sync:
                    _bridge.share(client)
            return client

    @property
    def destination(self) -> str:
        """A digest of what answers of these clients depend on beside the requests."""
        parts = {name: getattr(self._config, name) for name in _DECIDES_ANSWERS}
        return hashlib.sha256(to_json(parts, fallback=str)).hexdigest()

    def built(self, *, sync: bool) -> Any:
        """Return the client of a kind if there is one."""
        return self._built.get(sync)
