"""The official SDK's client over a client of this package."""

import sys
import threading
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, overload

from .._base_client import BaseClient
from .._client.environment import as_headers
from .._fork import PerProcess
from .._http.library import library
from .refusals import OfficialErrors
from .requests import RETRIES, Manner
from .transports import make_transport

if TYPE_CHECKING:
    import openai

    from ..client import AsyncOpenAI, OpenAI

_PLACEHOLDER = "ai-client-holds-the-key"
_making = PerProcess(threading.Lock)


@overload
def official(client: "OpenAI") -> "openai.OpenAI": ...
@overload
def official(client: "AsyncOpenAI") -> "openai.AsyncOpenAI": ...
def official(client: Any) -> Any:
    """Return the official SDK's client over *client*, whose pool, controls, keys and retries its calls use.

    It is made once for a client and lives as long: closing it leaves *client* open.

    Args:
        client: An `OpenAI` or `AsyncOpenAI` of this package. A client of the official SDK is returned as it is.

    Raises:
        ImportError: The package openai is not installed.
        TypeError: It is neither.
    """
    if not isinstance(client, BaseClient):
        sdk = sys.modules.get("openai")
        if sdk is not None and isinstance(client, sdk.OpenAI | sdk.AsyncOpenAI):
            return client
        raise TypeError(
            f"The client must be an OpenAI or AsyncOpenAI of ai_client, not {type(client).__name__}."
        )
    kept = client.__dict__.get("_official")
    if kept is None or kept[0] is not client:  # a copy has that of its original
        with _making():
            kept = client.__dict__.get("_official")
            if kept is None or kept[0] is not client:
                kept = client.__dict__["_official"] = (client, _make(client))
    return kept[1]


def _make(client: Any) -> Any:
    sdk = _sdk()
    make = sdk.OpenAI if client._sync else sdk.AsyncOpenAI
    return build(make, client, {})


def _sdk() -> Any:
    try:
        return import_module("openai")
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise ImportError("The official SDK is not installed: pip install openai", name="openai") from error


def build(make: Any, client: Any, options: dict[str, Any]) -> Any:
    """Build a client of an official class over a client of ours.

    Args:
        make: The class.
        client: Ours, of the same kind.
        options: Further keywords of the class.
    """
    sdk = _sdk()
    http = _http_of(sdk, sync=client._sync)
    user_agent = f"{make.__name__}/Python {sdk.__version__}"
    ignored = {
        ("authorization", f"Bearer {_PLACEHOLDER}"),
        ("user-agent", user_agent),
        ("openai-organization", client.organization),
        ("openai-project", client.project),
        *as_headers({}),
    }
    over = make_transport(client, http, Manner(frozenset(ignored), takes_key=True), OfficialErrors(sdk))
    timeout = client.timeout
    if timeout is not None and not isinstance(timeout, int | float):
        timeout = http.Timeout(**timeout.as_dict())
    return _kind_of(make)(
        **{
            "api_key": _PLACEHOLDER,
            "organization": client.organization,
            "project": client.project,
            "webhook_secret": client.webhook_secret,
            "base_url": str(client._base_url),
            "timeout": timeout,
            "max_retries": client.max_retries,
            "http_client": _http_client_class(http, sync=client._sync)(transport=over, trust_env=False),
            **options,
        }
    )


def _http_of(sdk: Any, *, sync: bool) -> Any:
    default: Any = sdk.DefaultHttpxClient if sync else sdk.DefaultAsyncHttpxClient
    homes = [base.__module__.partition(".")[0] for base in getattr(default, "__mro__", ())]
    return library(next((home for home in homes if home in {"httpx", "httpx2"}), "httpx")).http


@cache
def _kind_of(make: Any) -> Any:
    """Return a class of the official SDK's whose requests say how often they may be retried."""
    names = {"__module__": make.__module__, "__qualname__": make.__qualname__, "__doc__": make.__doc__}
    base = _OverAsync if hasattr(make, "__aenter__") else _OverSync
    return type(make.__name__, (base, make), names)


class _OverSync:
    max_retries: int

    def _prepare_request(self, request: Any) -> None:
        above: Any = super()
        above._prepare_request(request)
        request.extensions[RETRIES] = self.max_retries

    def close(self) -> None:
        """Leave the client below open."""


class _OverAsync:
    max_retries: int

    async def _prepare_request(self, request: Any) -> None:
        above: Any = super()
        await above._prepare_request(request)
        request.extensions[RETRIES] = self.max_retries

    async def close(self) -> None:
        """Leave the client below open."""


@cache
def _http_client_class(http: Any, *, sync: bool) -> Any:
    if sync:
        return type("Client", (_OpenClient, http.Client), {})
    return type("AsyncClient", (_OpenAsyncClient, http.AsyncClient), {})


class _OpenClient:
    """An HTTP client that is as open as the client below it, and does not close that."""

    _transport: Any

    @property
    def is_closed(self) -> bool:
        closed: bool = self._transport.client.is_closed()
        return closed

    def close(self) -> None:
        """Leave the client below open."""


class _OpenAsyncClient:
    _transport: Any

    @property
    def is_closed(self) -> bool:
        closed: bool = self._transport.client.is_closed()
        return closed

    async def aclose(self) -> None:
        """Leave the client below open."""
