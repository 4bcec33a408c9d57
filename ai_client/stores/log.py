"""The interface of a backend that keeps logs: entries in the order of their ids, the oldest of which are dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

MARKS = ("endpoint", "model", "asked", "tenant", "outcome", "error", "request", "cache")
"""Names of the marks by which entries are found."""
ALIKE: Mapping[str, tuple[str, ...]] = {"model": ("model", "asked")}
"""Marks that are found under the name of another one too."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a log.

    Attributes:
        id: Identifies it; of two entries the later one has the larger id as text.
        at: A time by which it is found, in seconds since 1970; not later than that of its id.
        marks: What it is found by: a text for each of `MARKS`, empty where there is none.
        summary: What is read of it in lists; small.
        content: What is read of it alone, however large.
        left_out: Above 0, it is no entry, but says how many entries before it were not kept: no query returns it.
    """

    id: str
    at: float
    marks: Mapping[str, str]
    summary: bytes
    content: bytes | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which entries of a log to read, the newest first.

    Attributes:
        limit: The most to return.
        after: Only entries with a larger id than this.
        before: Only those with a smaller id, where it is given.
        since: Only those of this time or later.
        until: Only those before this time.
        marks: Only those with all of these marks; that of a name in `ALIKE` may be under any of its names.
        id: Only the one with this id.
    """

    limit: int
    after: str = ""
    before: str | None = None
    since: float | None = None
    until: float | None = None
    marks: Mapping[str, str] = field(default_factory=dict[str, str])
    id: str | None = None


@dataclass(frozen=True, slots=True)
class LogState:
    """How much a log holds.

    Attributes:
        kept: How many entries.
        oldest: The time `at` of the one with the smallest id, `None` where there is none.
        left_out: How many entries were not kept in the time of those that are.
    """

    kept: int = 0
    oldest: float | None = None
    left_out: int = 0


class LogBackend(Protocol):
    """A backend that keeps logs, as those of this package do but that over a cache of Django.

    One of an application's own may do without; then it cannot be the store of a journal.

    Raises:
        StoreError: From every method, where the backend cannot be reached.
    """

    def append_log(
        self, name: str, entries: Sequence[LogEntry], keep: int, oldest: str, until: float
    ) -> None:
        """Add entries to a log, and drop what is too much; an entry that it has already is not added again.

        Args:
            name: The log.
            entries: The entries, in any order.
            keep: How many the log may hold; those with the smallest ids are dropped, with their content.
            oldest: Those with a smaller id are dropped.
            until: When all of the log may be dropped unless something is added before, in seconds since 1970.
        """
        ...

    def read_log(self, name: str, query: LogQuery) -> list[bytes]:
        """Return the summaries of entries, the largest id first."""
        ...

    def log_content(self, name: str, id: str) -> bytes | None:  # noqa: A002 - the name of the attribute
        """Return the content of an entry; `None` where there is no such entry, or it has none."""
        ...

    def log_state(self, name: str, after: str) -> LogState:
        """Return how much a log holds of entries with a larger id than *after*."""
        ...
