"""A journal for tests: the policies that keep it, and how it is read."""

from collections.abc import Mapping
from typing import Any

from ai_client.control import make_layers
from ai_client.operations import JournalBook, JournalContent, JournalEntry


class Journalled:
    """The policies of controls with a journal, for `layers`, and what the journal holds.

    Args:
        journal: Its options.
        **controls: Other controls; the store is in memory by default.
    """

    def __init__(self, journal: Mapping[str, Any] | bool = True, **controls: Any) -> None:
        given = {"per_second": 100_000, **(journal if isinstance(journal, Mapping) else {})}
        self.layers = make_layers({"journal": given, **controls})
        self.config = None
        self.book = JournalBook({"default": self})

    def _policies(self) -> tuple[Any, ...]:
        return self.layers

    def entries(self, **query: Any) -> list[JournalEntry]:
        """Return all entries that a query finds, the newest first."""
        return self.book.entries(limit=10_000, **query)

    def only(self) -> JournalEntry:
        """Return the one entry that there is."""
        (entry,) = self.entries()
        return entry

    def content(self) -> JournalContent:
        """Return the content of the one entry that there is."""
        content = self.book.content(self.only().id)
        assert content is not None
        return content
