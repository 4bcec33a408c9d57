"""The official SDK's client over a client of this package."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any, overload

from .._base_client import BaseClient
from .._client.environment import of_an_sdk
from .._fork import PerProcess, here, in_child
from .._http.library import library
from .._libraries import openai
from ..client import AsyncOpenAI, OpenAI
from ..errors import ConfigError
from .refusals import OfficialErrors
from .requests import Manner
from .sdk_clients import http_client_of, no_sockets, stand_on
from .transports import transport_over

PLACEHOLDER = "ai-client-has-the-key"
"""The key of the SDK's clients, which no request takes along."""
_making = PerProcess(threading.Lock)


@overload
def official(client: OpenAI) -> "openai.OpenAI": ...
@overload
def official(client: AsyncOpenAI) -> "openai.AsyncOpenAI": ...
def official(client: Any) -> Any:
    """Return the official SDK's client over *client*: its calls go through that one's pool, keys, retries and controls.

    It is made once for a client, and closed with it: closing it by itself does nothing.

    Args:
        client: An `OpenAI` or `AsyncOpenAI` of this package; a client of the official SDK is returned as it is.

    Raises:
        ImportError: The official SDK is not installed.
        TypeError: It is no such client.
    """
    here()
    if not isinstance(client, BaseClient):
        return _as_it_is(client)
    kept = client._official
    if kept is None:
        sdk = _sdk()
        with _making():
            kept = client._official
            if kept is None:
                kept = client._official = build(_class_for(sdk, client), client)
    return kept


def _as_it_is(client: Any) -> Any:
    sdk: Any = sys.modules.get("openai")
    if sdk is not None and isinstance(client, sdk.OpenAI | sdk.AsyncOpenAI):
        return client
    raise TypeError(f"The client must be an OpenAI or AsyncOpenAI of ai_client, not {type(client).__name__}.")


def _sdk() -> Any:
    try:
        return import_module("openai")
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise ImportError(
            'The official SDK is not installed: pip install "openai>=2"', name="openai"
        ) from error


def _class_for(sdk: Any, client: Any) -> Any:
    name = "AzureOpenAI" if is_azure(client) else "OpenAI"
    return getattr(sdk, name if client._sync else f"Async{name}")


def is_azure(client: Any) -> bool:
    """Return whether a client is one of Azure's."""
    return hasattr(client, "_azure_endpoint")


def build(make: Any, client: Any, keep_open: Callable[[], None] | None = None) -> Any:
    """Build a client of an official class over a client of ours.

    Args:
        make: The class, which may be derived from the SDK's.
        client: Ours, of the same kind.
        keep_open: What is called where somebody closes it.

    Returns:
        `None` where the class uses an HTTP client of its own.

    Raises:
        ConfigError: The class does not take what it needs here, or sets that itself.
    """
    sdk = _sdk()
    http = _http_of(sdk, sync=client._sync)
    ignored = {
        ("authorization", f"Bearer {PLACEHOLDER}"),
        ("api-key", PLACEHOLDER),
        ("user-agent", f"{make.__name__}/Python {sdk.__version__}"),
        ("openai-organization", client.organization),
        ("openai-project", client.project),
        *of_an_sdk(),
    }
    manner = Manner(frozenset(ignored), has_placeholder=True, follows=True)
    over = transport_over(client, http, manner, OfficialErrors(sdk, http))
    http_client = http_client_of(http, over, keep_open)
    try:
        made = make(
            **_place_of(client),
            api_key=PLACEHOLDER,
            timeout=_timeout_of(client, http),
            max_retries=client.max_retries,
            http_client=http_client,
        )
    except TypeError as error:
        if "'http_client'" in str(error):
            return None
        raise ConfigError(
            f"{make.__qualname__} cannot be built over a client of ai_client: {error}."
        ) from error
    if made._client is not http_client:
        return None
    made.admin_api_key = PLACEHOLDER if client.admin_api_key else None
    return stand_on(made, client, no_sockets(http, sdk.OpenAIError))


def _place_of(client: Any) -> dict[str, Any]:
    """Return the address of a client as an official one takes it."""
    place: dict[str, Any] = {"base_url": str(client._base_url.copy_with(query=None))}
    if is_azure(client):
        place["api_version"] = client._api_version
        if client._azure_endpoint is not None:
            place = {
                "api_version": client._api_version,
                "azure_endpoint": str(client._azure_endpoint).rstrip("/"),
                "azure_deployment": client._azure_deployment,
            }
    return place


def _timeout_of(client: Any, http: Any) -> Any:
    timeout = client.timeout
    return (
        timeout if timeout is None or isinstance(timeout, int | float) else http.Timeout(**timeout.as_dict())
    )


def _http_of(sdk: Any, *, sync: bool) -> Any:
    """Return the HTTP library on which the SDK's own HTTP clients build: httpx2 from 3.0 on."""
    default: Any = sdk.DefaultHttpxClient if sync else sdk.DefaultAsyncHttpxClient
    homes = [base.__module__.partition(".")[0] for base in default.__mro__]
    return library("httpx2" if "httpx2" in homes else "httpx").http


def _renew_locks() -> None:
    """Renew the locks of what the SDK makes when it is first used, which a thread of the parent may hold at the fork.

    Those of its resources, and of the name of the processor, which every request tells. Python 3.12 has none.
    """
    for cls in _lazy_classes():
        for member in list(vars(cls).values()):
            if isinstance(member, cached_property) and "lock" in vars(member):
                vars(member)["lock"] = threading.RLock()


def _lazy_classes() -> Iterator[type[Any]]:
    for module, name in (("platform", "uname_result"), ("openai", "OpenAI"), ("openai", "AsyncOpenAI")):
        found: Any = getattr(sys.modules.get(module), name, None)
        if found is not None:
            yield found
    for name, loaded in list(sys.modules.items()):
        if name.startswith("openai.resources."):
            for found in list(vars(loaded).values()):
                if isinstance(found, type) and found.__module__ == name:
                    yield found


in_child(_renew_locks)
os.register_at_fork(after_in_child=_renew_locks)  # for clients that a child goes on to use
