"""Clients of other classes: what of them users get, and how they are closed."""

import inspect
from collections.abc import Callable
from typing import Any

from .._base_client import BaseClient
from .._pool.permits import PoolStats
from .closing import finish, finish_here
from .keep_open import view_of
from .managed import Managed, stats_of
from .other_sdks import closes_as_known, is_ours


def kept_open(make: Callable[..., Any], client: Any, keep_open: Callable[[], None]) -> Any:
    """Return a client as users get it: itself where its class can keep it open, otherwise a view."""
    if not (is_ours(make) and closes_as_known(make, client)):
        return view_of(client, keep_open)
    _set_keep_open(client, keep_open)
    return client


def _set_keep_open(client: Any, keep_open: Callable[[], None] | None) -> None:
    """Set what a client of ours calls instead of closing."""
    if issubclass(type(client), BaseClient):
        client._keep_open = keep_open


class Foreign:
    """A sync client of another class.

    Args:
        client: The client.
        shown: The client as users get it.
        below: The client of ours on which it stands, if it does.

    Attributes:
        client: The client as users get it.
    """

    def __init__(self, client: Any, shown: Any, below: Managed | None = None) -> None:
        self.client = shown
        self._client = client
        self._below = below

    def stats(self) -> PoolStats | None:
        """Count the connections of a client that is ours or stands on one of ours; `None` of any other."""
        if self._below is not None:
            return self._below.stats()
        return stats_of(self._client) if issubclass(type(self._client), BaseClient) else None

    def close(self) -> None:
        """Close the client from any thread."""
        self._release()
        if (close := getattr(self._client, "close", None)) is not None:
            close()
        if self._below is not None:
            self._below.close()

    async def aclose(self) -> None:
        """Close the client in a running event loop."""
        self.close()

    def abandon(self) -> None:
        """Leave the client's connections to the process that this one was forked from, where they are ours."""
        if self._below is not None:
            self._below.abandon()

    def _release(self) -> None:
        """Make the client closable."""
        _set_keep_open(self._client, None)


class AsyncForeign(Foreign):
    """An async client of another class.

    Args:
        client: The client.
        shown: The client as users get it.
        below: The client of ours on which it stands, if it does.
        anywhere: Whether it can be closed in any event loop, as those over ours can.
    """

    def __init__(
        self, client: Any, shown: Any, below: Managed | None = None, *, anywhere: bool = False
    ) -> None:
        super().__init__(client, shown, below)
        self._anywhere = anywhere or below is not None

    def close(self) -> None:
        self._release()
        finish(self._end, anywhere=self._anywhere)
        if self._below is not None:
            self._below.close()

    async def aclose(self) -> None:
        self._release()
        await finish_here(self._end, anywhere=self._anywhere)
        if self._below is not None:
            await self._below.aclose()

    async def _end(self) -> None:
        close = getattr(self._client, "aclose", None) or getattr(self._client, "close", None)
        if close is not None and inspect.isawaitable(closing := close()):
            await closing
