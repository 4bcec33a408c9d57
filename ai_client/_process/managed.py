"""A client that a provider owns, and how the provider closes it."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .._exchange.loop_sender import share
from .._pool.permits import PoolStats
from .closing import finish
from .gate import DrainGate
from .gated_io import gated

logger = logging.getLogger("ai_client")

_FAILED = "An AI client could not be closed."


class Managed(Protocol):
    """A client that a provider owns."""

    client: Any

    def stats(self) -> PoolStats | None:
        """Count the client's connections; `None` where they are another's, who does not show them."""
        ...

    def close(self) -> None:
        """Close the client from any thread; ends what is under way."""
        ...

    async def aclose(self) -> None:
        """Close the client in a running event loop."""
        ...

    def abandon(self) -> None:
        """Leave the client's connections to the process that this one was forked from."""
        ...


def under_gate(client: Any, gate: DrainGate, keep_open: Callable[[], None]) -> Any:
    """Have the calls of a client of ours go through a gate, and closing it call *keep_open*; return the client."""
    client._gate = gate
    client._keep_open = keep_open
    client.io = gated(client, gate)
    return client


def manage(client: Any) -> Managed:
    """Return a client of ours as one that a provider owns."""
    return _Ours(client) if client._sync else _AsyncOurs(client)


def stats_of(client: Any) -> PoolStats | None:
    """Count the connections of a client of ours."""
    found: PoolStats | None = client._sender.stats()
    return found


class _Ours:
    def __init__(self, client: Any) -> None:
        self.client = client

    def stats(self) -> PoolStats | None:
        return stats_of(self.client)

    def close(self) -> None:
        self.client._end()

    async def aclose(self) -> None:
        self.client._end()

    def abandon(self) -> None:
        pool = getattr(self.client._sender, "pool", None)
        if pool is not None:
            pool.abandon()


class _AsyncOurs:
    def __init__(self, client: Any) -> None:
        self.client = client
        share(client)

    def stats(self) -> PoolStats | None:
        return stats_of(self.client)

    def close(self) -> None:
        for client in (self.client, *self.client._built_by_layers()):
            client._closed = True
            sender = client._sender
            if hasattr(sender, "close"):
                sender.close()
            elif not sender.is_kept:
                finish(sender.aclose, anywhere=False)
        self.client._sessions.close()

    async def aclose(self) -> None:
        await self.client._end()

    def abandon(self) -> None:
        """Do nothing: the sender leaves its connections by itself."""


def close_each(clients: Iterable[Managed]) -> None:
    """Close clients from any thread; what an error of one says is logged, and keeps none of the others open."""
    for managed in clients:
        try:
            managed.close()
        except Exception:
            logger.exception(_FAILED)


async def aclose_each(clients: Iterable[Managed]) -> None:
    """Close clients in a running event loop, like `close_each`."""
    for managed in clients:
        try:
            await managed.aclose()
        except Exception:
            logger.exception(_FAILED)
