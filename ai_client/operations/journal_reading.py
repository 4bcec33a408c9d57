"""Entries of the journal, read from what the store keeps of them."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, cast

from pydantic_core import from_json

from ..control.journal.content import unpacked
from .journal_entry import JournalAttempt, JournalContent, JournalEntry

_OF_ENTRY = tuple(one.name for one in fields(JournalEntry))
_OF_ATTEMPT = tuple(one.name for one in fields(JournalAttempt))


def entry_in(summary: bytes) -> JournalEntry:
    """Return the entry of a summary; what it does not say is `None`, and what is not known here is left out."""
    said: Mapping[str, Any] = from_json(summary)
    given = {name: said.get(name) for name in _OF_ENTRY}
    given["at"] = datetime.fromtimestamp(said["at"], UTC)
    given["attempts"] = tuple(_attempt(one) for one in said.get("attempts", ()))
    return JournalEntry(**cast("dict[str, Any]", given))


def _attempt(said: Mapping[str, Any]) -> JournalAttempt:
    given: dict[str, Any] = {name: said.get(name) for name in _OF_ATTEMPT}
    return JournalAttempt(**given)


def content_in(stored: bytes) -> JournalContent:
    """Return content as it was stored."""
    said = unpacked(stored)
    cut = said.get("cut", ())
    return JournalContent(
        request=said.get("request"),
        answer=said.get("answer"),
        request_cut="request" in cut,
        answer_cut="answer" in cut,
    )
