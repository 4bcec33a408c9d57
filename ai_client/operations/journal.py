"""The journal of calls that the control `journal` keeps: the last ones, newest first."""

from datetime import datetime, timedelta

from .configured import Aliases
from .journal_entry import JournalAttempt, JournalContent, JournalEntry, JournalState

__all__ = ["JournalAttempt", "JournalBook", "JournalContent", "JournalEntry", "JournalState"]


class JournalBook:
    """The last calls of clients, as their journals keep them.

    That of a provider covers the clients of all aliases, and reads a journal that several of them share once. Each
    method has a twin that begins with `a` for async code: these methods block while they read, on an event loop too.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def entries(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | None = None,
        endpoint: str | None = None,
        model: str | None = None,
        tenant: str | None = None,
        outcome: str | None = None,
        error: str | None = None,
        request: str | None = None,
        cache: str | None = None,
    ) -> list[JournalEntry]:
        """Return the last calls that have all of what is given, newest first; an empty text is calls without one.

        Args:
            limit: The most entries to return.
            before: The id of an entry; only older ones are returned, for the next page of a list.
            since: The earliest call: a moment, or how long ago. Without a time zone it is in UTC.
            until: Only calls made before this moment.
            endpoint: The endpoint that they were made for.
            model: The model that was asked for or that served them.
            tenant: The tenant.
            outcome: `ok`, `error` or `cancelled`.
            error: The class of their error.
            request: The web request that made them.
            cache: What the cache did.

        Raises:
            ConfigError: No control `journal` is configured, its store cannot keep one, or an argument is invalid.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

    async def aentries(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | None = None,
        endpoint: str | None = None,
        model: str | None = None,
        tenant: str | None = None,
        outcome: str | None = None,
        error: str | None = None,
        request: str | None = None,
        cache: str | None = None,
    ) -> list[JournalEntry]:
        """Return the last calls like `entries`, without blocking the event loop."""
        raise NotImplementedError

    def entry(self, id: str) -> JournalEntry | None:  # noqa: A002 - the name of the attribute
        """Return the entry with an id; `None` where there is none, or none any more.

        Raises:
            ConfigError: No control `journal` is configured, or its store cannot keep one.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

    async def aentry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return an entry like `entry`, without blocking the event loop."""
        raise NotImplementedError

    def content(self, id: str) -> JournalContent | None:  # noqa: A002
        """Return what a call sent and was answered; `None` where that is not kept.

        Raises:
            ConfigError: No control `journal` is configured, or its store cannot keep one.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

    async def acontent(self, id: str) -> JournalContent | None:  # noqa: A002
        """Return content like `content`, without blocking the event loop."""
        raise NotImplementedError

    def state(self) -> JournalState:
        """Return how much the journals hold, all together.

        Raises:
            ConfigError: No control `journal` is configured, or its store cannot keep one.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

    async def astate(self) -> JournalState:
        """Return the state like `state`, without blocking the event loop."""
        raise NotImplementedError
