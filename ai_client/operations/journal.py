"""The journal of calls that the control `journal` keeps: the last ones, newest first."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

from .._io.reading import aread, read
from ..control.journal.encoding import id_at, text_of
from ..control.journal.parts import CallJournal
from ..control.journal.policy import Journal
from ..errors import ConfigError
from ..stores.log import LogQuery
from ..stores.log_store import log_content, log_state, read_log
from ..stores.place import place_of
from .configured import Aliases, policies_of
from .journal_entry import JournalAttempt, JournalContent, JournalEntry, JournalState
from .journal_reading import content_in, entry_in

__all__ = ["JournalAttempt", "JournalBook", "JournalContent", "JournalEntry", "JournalState"]

_SECONDS = 10.0
"""Seconds that reading may take."""
_MOST = 10_000
_OUTCOMES = ("ok", "error", "cancelled")


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
        """Return the calls that have all of what is given, the one that ended last first; empty text is none of a kind.

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
        asked = _asked(
            limit,
            before,
            since,
            until,
            {
                "endpoint": endpoint,
                "model": model,
                "tenant": tenant,
                "outcome": outcome,
                "error": error,
                "request": request,
                "cache": cache,
            },
        )
        return read(partial(self._entries, asked), _SECONDS)

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
        asked = _asked(
            limit,
            before,
            since,
            until,
            {
                "endpoint": endpoint,
                "model": model,
                "tenant": tenant,
                "outcome": outcome,
                "error": error,
                "request": request,
                "cache": cache,
            },
        )
        return await aread(partial(self._entries, asked), _SECONDS)

    def entry(self, id: str) -> JournalEntry | None:  # noqa: A002 - the name of the attribute
        """Return the entry with an id; `None` where there is none, or none any more.

        Raises:
            ConfigError: No control `journal` is configured, its store cannot keep one, or the id is no text.
            StoreError: A store is down, or did not answer in time.
        """
        return read(partial(self._entry, _checked("id", id)), _SECONDS)

    async def aentry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return an entry like `entry`, without blocking the event loop."""
        return await aread(partial(self._entry, _checked("id", id)), _SECONDS)

    def content(self, id: str) -> JournalContent | None:  # noqa: A002
        """Return what a call sent and was answered; `None` where that is not kept.

        Raises:
            ConfigError: No control `journal` is configured, its store cannot keep one, or the id is no text.
            StoreError: A store is down, or did not answer in time.
        """
        return read(partial(self._content, _checked("id", id)), _SECONDS)

    async def acontent(self, id: str) -> JournalContent | None:  # noqa: A002
        """Return content like `content`, without blocking the event loop."""
        return await aread(partial(self._content, _checked("id", id)), _SECONDS)

    def state(self) -> JournalState:
        """Return how much the journals hold, all together.

        Raises:
            ConfigError: No control `journal` is configured, or its store cannot keep one.
            StoreError: A store is down, or did not answer in time.
        """
        return read(self._state, _SECONDS)

    async def astate(self) -> JournalState:
        """Return the state like `state`, without blocking the event loop."""
        return await aread(self._state, _SECONDS)

    def _journals(self) -> list[Journal]:
        """Return the journals, one of those that several aliases share."""
        found = {
            (place_of(part.journal.log_store), part.journal.log): part.journal
            for _, part in policies_of(self._aliases, CallJournal, "journal")
        }
        return [*found.values()]

    async def _entries(self, asked: LogQuery, io: Any) -> list[JournalEntry]:
        found: list[JournalEntry] = []
        for journal in self._journals():
            query = replace(asked, after=max(asked.after, journal.oldest))
            found += map(entry_in, await read_log(journal.log_store, io, journal.log, query))
        return sorted(found, key=attrgetter("id"), reverse=True)[: asked.limit]

    async def _entry(self, entry_id: str, io: Any) -> JournalEntry | None:
        found = await self._entries(LogQuery(1, id=entry_id), io)
        return found[0] if found else None

    async def _content(self, entry_id: str, io: Any) -> JournalContent | None:
        for journal in self._journals():
            if entry_id <= journal.oldest:
                continue
            content = await log_content(journal.log_store, io, journal.log, entry_id)
            if content is not None:
                return content_in(content)
        return None

    async def _state(self, io: Any) -> JournalState:
        journals = self._journals()
        states = [await log_state(one.log_store, io, one.log, one.oldest) for one in journals]
        oldest = [one.oldest for one in states if one.oldest is not None]
        return JournalState(
            kept=sum(one.kept for one in states),
            keep=sum(one.keep for one in journals),
            oldest=datetime.fromtimestamp(min(oldest), UTC) if oldest else None,
            left_out=sum(one.left_out for one in states),
        )


def _asked(
    limit: int,
    before: str | None,
    since: datetime | timedelta | None,
    until: datetime | None,
    marks: Mapping[str, str | None],
) -> LogQuery:
    """Return what is asked for, checked."""
    if type(limit) is not int or not 1 <= limit <= _MOST:
        raise ConfigError(f"limit must be a number from 1 to {_MOST}.")
    if marks["outcome"] not in {None, *_OUTCOMES}:
        raise ConfigError(f"outcome must be one of {', '.join(_OUTCOMES)}.")
    first = None if since is None else _moment("since", since)
    return LogQuery(
        limit,
        after="" if first is None else id_at(first),  # that of a call is made when it ends
        before=None if before is None else _checked("before", before),
        since=first,
        until=None if until is None else _moment("until", until),
        marks={name: _checked(name, value) for name, value in marks.items() if value is not None},
    )


def _checked(name: str, value: object) -> str:
    """Return a text as entries have it, which any store takes."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text, not {type(value).__name__}.")
    return text_of(value)


def _moment(name: str, given: datetime | timedelta) -> float:
    """Return a moment in seconds since 1970."""
    try:
        if isinstance(given, timedelta):
            given = datetime.now(UTC) - given
        return (given.replace(tzinfo=UTC) if given.tzinfo is None else given).timestamp()
    except (AttributeError, OverflowError, ValueError) as error:
        raise ConfigError(f"{name}: expected a moment or how long ago, not {given!r}.") from error
