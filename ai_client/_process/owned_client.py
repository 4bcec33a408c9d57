"""A client and how it ends: one of ours, or of any class that is made and closed in the same way."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol

from .._client.environment import as_headers
from .._config.values import class_of
from .._exchange.loop_sender import share
from .._exchange.loops import background_loop, begin_on, finish_from_here, finish_on, main_loop
from ..config import ClientConfig
from ..errors import ConfigError
from .assembly import Assembly
from .factory import arguments_of
from .gate import DrainGate
from .gated_io import gated

Kind = Literal["sync", "async"]


class Managed(Protocol):
    """A client that a provider owns."""

    client: Any

    def close(self) -> None:
        """Close the client from any thread; ends what is under way."""
        ...

    async def aclose(self) -> None:
        """Close the client in a running event loop."""
        ...

    def abandon(self) -> None:
        """Leave the client's connections to the process that this one was forked from."""
        ...


def build(assembly: Assembly, kind: Kind, gate: DrainGate) -> Managed:
    """Build a client of a process.

    Args:
        assembly: Its options and policies.
        kind: Whether it blocks or is awaited.
        gate: What its calls go through.

    Raises:
        ConfigError: The configured class cannot be found, or does not take an option that was given.
    """
    config = assembly.config
    foreign = config.client_class if kind == "sync" else config.async_client_class
    if foreign is not None:
        make = class_of(foreign)
        options = _accepted(make, config, gate, sync=kind == "sync")
        client = make(**options)
        if not config.takes_environment:
            from .other_sdks import withhold  # noqa: PLC0415 - loads the HTTP library

            withhold(options.get("http_client") or getattr(client, "_client", None), as_headers(options))
        return _Foreign(client) if kind == "sync" else _AsyncForeign(client, options.get("http_client"))
    client = assembly.client(sync=kind == "sync")
    client._gate = gate
    client.io = gated(client, gate)
    return _Ours(client) if kind == "sync" else _AsyncOurs(client)


class _Ours:
    def __init__(self, client: Any) -> None:
        self.client = client

    def close(self) -> None:
        self.client.close()

    async def aclose(self) -> None:
        self.client.close()

    def abandon(self) -> None:
        pool = getattr(self.client._sender, "pool", None)
        if pool is not None:
            pool.abandon()


class _AsyncOurs:
    def __init__(self, client: Any) -> None:
        self.client = client
        share(client)

    def close(self) -> None:
        for client in (self.client, *self.client._built_by_layers()):
            client._closed = True
            client._sender.close()
        self.client._sessions.close()

    async def aclose(self) -> None:
        await self.client.close()

    def abandon(self) -> None:
        """Do nothing: the sender leaves its connections by itself."""


class _Foreign:
    def __init__(self, client: Any) -> None:
        self.client = client

    def close(self) -> None:
        self.client.close()

    async def aclose(self) -> None:
        self.client.close()

    def abandon(self) -> None:
        """Do nothing: the client is only kept from closing anything."""


class _AsyncForeign(_Foreign):
    def __init__(self, client: Any, http_client: Any) -> None:
        from .other_sdks import is_ours  # noqa: PLC0415 - loads the HTTP library

        super().__init__(client)
        self._anywhere = is_ours(http_client)

    def close(self) -> None:
        _finish(self.client.close, anywhere=self._anywhere)

    async def aclose(self) -> None:
        await _finish_from_here(self.client.close, anywhere=self._anywhere)


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
    make: Callable[..., Any], config: ClientConfig, gate: DrainGate, *, sync: bool
) -> dict[str, Any]:
    """Return the options that were set; the class must accept each and has its own defaults."""
    from .other_sdks import OF_THE_POOL, http_client_for  # noqa: PLC0415 - loads the HTTP library

    parameters = inspect.signature(make).parameters
    options = {name: value for name, value in arguments_of(config).items() if name in config.model_fields_set}
    if "http_client" in parameters and "http_client" not in options:
        of_pool = {name: options[name] for name in options.keys() & OF_THE_POOL}
        http_client = http_client_for(make, of_pool, gate, sync=sync)
        if http_client is not None:
            options = {name: value for name, value in options.items() if name not in OF_THE_POOL}
            options["http_client"] = http_client
    refused = options.keys() - parameters.keys()
    if refused and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        name = getattr(make, "__qualname__", repr(make))
        raise ConfigError(f"{name} does not take these options: {', '.join(sorted(refused))}.")
    return options
