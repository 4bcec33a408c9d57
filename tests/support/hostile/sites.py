"""Open ways to a client: how calls are made on it, and what is known of it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ai_client import AsyncOpenAI, ClientConfig, ClientProvider, OpenAI
from ai_client._exchange.loops import stop_background_loop
from ai_client._process.assembly import Assembly
from tests.support.hostile.answers import Kind
from tests.support.hostile.readings import aread, read

Options = Mapping[str, Any]


@dataclass
class Site:
    """An open way.

    Attributes:
        read_into: Makes one call, and adds to a list what is read of its answer.
        client: Returns the client that was used, whose pools are looked at.
        layers: The policies around its calls.
        idle: Whether nothing counts as under way that a shutdown would wait for.
    """

    read_into: Callable[[list[Any]], None]
    client: Callable[[], Any]
    layers: tuple[Any, ...]
    idle: Callable[[], bool] = lambda: True

    def read(self) -> list[Any]:
        """Make one call, and return what is read of its answer."""
        into: list[Any] = []
        self.read_into(into)
        return into


class ReportedError(Exception):
    """An application told its reader that a call failed."""


@contextmanager
def bare_sync(kind: Kind, options: Options, http: type[Any] | None = None) -> Iterator[Site]:
    """Use a sync client of one's own, over an HTTP client of a class where one is given."""
    assembly = Assembly(ClientConfig.make(options))
    more = {} if http is None else {"http_client": http()}
    try:
        with OpenAI(**assembly.arguments(), **more) as client:
            yield Site(lambda into: read(kind, client, into), lambda: client, assembly.layers())
    finally:
        assembly.close_store()


@contextmanager
def bare_async(kind: Kind, options: Options, http: type[Any] | None = None) -> Iterator[Site]:
    """Use an async client of one's own, over an HTTP client of a class where one is given."""
    assembly = Assembly(ClientConfig.make(options))
    with asyncio.Runner() as runner:

        async def make() -> AsyncOpenAI:
            return AsyncOpenAI(**assembly.arguments(), **({} if http is None else {"http_client": http()}))

        async def tasks() -> int:
            return len(asyncio.all_tasks())

        client = runner.run(make())
        try:
            yield Site(lambda into: runner.run(aread(kind, client, into)), lambda: client, assembly.layers())
        finally:
            runner.run(client.close())
            assembly.close_store()
            stop_background_loop()  # which a client that a policy made may have started
        assert runner.run(tasks()) == 1


@contextmanager
def closed(provider: ClientProvider) -> Iterator[None]:
    """Close a provider after the block, and what it started."""
    try:
        yield
    finally:
        provider.close()
        stop_background_loop()


def known_of(provider: ClientProvider) -> tuple[tuple[Any, ...], Callable[[], bool]]:
    """Return a provider's policies, and what says whether it is idle."""
    return provider["default"]._assembly.layers(), lambda: provider._gate.idle


@contextmanager
def provided(options: Options) -> Iterator[ClientProvider]:
    """Make a provider, and close it and what it started."""
    provider = ClientProvider(options)
    with closed(provider):
        yield provider


@contextmanager
def provider_sync(kind: Kind, options: Options) -> Iterator[Site]:
    """Use a provider's sync client."""
    with provided(options) as provider:
        client = provider.client
        yield Site(lambda into: read(kind, client, into), lambda: client, *known_of(provider))


@contextmanager
def provider_async(kind: Kind, options: Options) -> Iterator[Site]:
    """Use a provider's async client in a loop for each call."""
    with provided(options) as provider:
        client = provider.async_client
        yield Site(lambda into: asyncio.run(aread(kind, client, into)), lambda: client, *known_of(provider))
