"""Calls by the web request that made them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from ...operations.journal import JournalEntry


class CallGroup(NamedTuple):
    """Calls of one web request, or one call that was made outside of any.

    Attributes:
        request: The id of the web request, `None` outside of one.
        entries: The calls, newest first; at least one.
    """

    request: str | None
    entries: tuple[JournalEntry, ...]

    @property
    def at(self) -> datetime:
        """When the first of them was made."""
        return min(entry.at for entry in self.entries)

    @property
    def seconds(self) -> float:
        """How long they took, all together."""
        return sum(entry.seconds for entry in self.entries)

    @property
    def nano_usd(self) -> int | None:
        """The cost in 10^-9 USD of those of which it is known; `None` where it is known of none."""
        known = [entry.nano_usd for entry in self.entries if entry.nano_usd is not None]
        return sum(known) if known else None

    @property
    def unpriced(self) -> int:
        """How many of them were billed at a cost that is not known."""
        return sum(entry.unpriced for entry in self.entries)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(entry.outcome == "error" for entry in self.entries)


def groups_of(entries: Iterable[JournalEntry]) -> list[CallGroup]:
    """Return the calls of each web request together, each request at the place of its newest call.

    Args:
        entries: The calls, newest first; those of several web requests may be mixed.
    """
    found: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        key = f"call {entry.id}" if entry.request is None else f"request {entry.request}"
        found.setdefault(key, []).append(entry)
    return [CallGroup(members[0].request, tuple(members)) for members in found.values()]
