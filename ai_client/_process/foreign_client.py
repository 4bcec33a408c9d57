"""A client of a class that the configuration names: how it is built, shared and closed."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from .._base_client import BaseClient
from .._client.environment import as_headers
from .._config.values import class_of
from .._exchange.loops import background_loop, begin_on, finish_from_here, finish_on, main_loop
from ..config import ClientConfig
from ..errors import ConfigError
from .factory import arguments_of
from .gate import DrainGate
from .keep_open import view_of
from .other_sdks import OF_THE_POOL, ends_with_http_client, http_client_for, is_ours, release, withhold


def build_foreign(
    given: str | Callable[..., Any],
    config: ClientConfig,
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> "Foreign":
    """Build a client of another class.

    Args:
        given: The class, its dotted path, or a function.
        config: Its options.
        gate: What its calls go through, if it is of an SDK that takes an HTTP client.
        keep_open: What is called where something else than the provider closes it.
        sync: Which kind of client it is.

    Raises:
        ConfigError: The class cannot be found, or does not take an option that was given.
    """
    make = class_of(given)
    options = _accepted(make, config, gate, keep_open, sync=sync)
    client = make(**options)
    http_client = options.get("http_client")
    if not config.takes_environment:
        withhold(http_client or getattr(client, "_client", None), as_headers(options))
    shown = _kept_open(make, client, http_client, keep_open)
    return (Foreign if sync else _AsyncForeign)(client, shown, http_client)


def _kept_open(make: Callable[..., Any], client: Any, http_client: Any, keep_open: Callable[[], None]) -> Any:
    """Return the client as users get it: itself where its class can keep it open, otherwise a view."""
    if not ends_with_http_client(make, client, http_client):
        return view_of(client, keep_open)
    _set_keep_open(client, keep_open)
    return client


def _set_keep_open(client: Any, keep_open: Callable[[], None] | None) -> None:
    """Set what a client of ours calls instead of closing; those of other classes close their HTTP client."""
    if issubclass(type(client), BaseClient):
        client._keep_open = keep_open


class Foreign:
    """A sync client of another class.

    Attributes:
        client: The client as users get it.
    """

    def __init__(self, client: Any, shown: Any, http_client: Any) -> None:
        self.client = shown
        self._client = client
        self._http_client = http_client

    def close(self) -> None:
        """Close the client from any thread."""
        self._release()
        if (close := getattr(self._client, "close", None)) is not None:
            close()

    async def aclose(self) -> None:
        """Close the client in a running event loop."""
        self.close()

    def abandon(self) -> None:
        """Do nothing: the client is only kept from closing anything."""

    def _release(self) -> None:
        """Make the client closable."""
        release(self._http_client)
        _set_keep_open(self._client, None)


class _AsyncForeign(Foreign):
    def close(self) -> None:
        self._release()
        _finish(self._end, anywhere=is_ours(self._http_client))

    async def aclose(self) -> None:
        self._release()
        await _finish_from_here(self._end, anywhere=is_ours(self._http_client))

    async def _end(self) -> None:
        close = getattr(self._client, "aclose", None) or getattr(self._client, "close", None)
        if close is not None and inspect.isawaitable(closing := close()):
            await closing


def _finish(close: Callable[[], Coroutine[Any, Any, object]], *, anywhere: bool) -> None:
    """Run a client's closing from a thread.

    Unless it may run *anywhere*, it touches connections of the loop that the client's calls ran on: the main loop for
    all we know, which has to close them itself, when it runs again.
    """
    loop = main_loop()
    if loop is not None and not loop.is_running() and not anywhere:
        begin_on(loop, close)
        return
    if loop is None or not loop.is_running():
        try:
            loop = background_loop()
        except RuntimeError:  # the interpreter ends, and starts no more threads
            return
    finish_on(loop, close)


async def _finish_from_here(close: Callable[[], Coroutine[Any, Any, object]], *, anywhere: bool) -> None:
    """Run a client's closing from the running loop; see `_finish`."""
    loop = main_loop()
    if anywhere or loop is None or loop is asyncio.get_running_loop():
        await close()
    elif loop.is_running():
        await finish_from_here(loop, close)
    else:
        begin_on(loop, close)


def _accepted(
    make: Callable[..., Any],
    config: ClientConfig,
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> dict[str, Any]:
    """Return the options that were set; the class must accept each and has its own defaults."""
    option = "client_class" if sync else "async_client_class"
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):  # of a class that is not written in Python
        raise ConfigError(f"{option}: {make!r} does not show which keywords it takes.") from None
    options = {name: value for name, value in arguments_of(config).items() if name in config.model_fields_set}
    if "http_client" in parameters and "http_client" not in options:
        of_pool = {name: options[name] for name in options.keys() & OF_THE_POOL}
        http_client = http_client_for(make, of_pool, gate, keep_open, sync=sync)
        if http_client is not None:
            options = {name: value for name, value in options.items() if name not in OF_THE_POOL}
            options["http_client"] = http_client
    refused = options.keys() - parameters.keys()
    if refused and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        name = getattr(make, "__qualname__", repr(make))
        raise ConfigError(f"{name} does not take these options: {', '.join(sorted(refused))}.")
    return options
