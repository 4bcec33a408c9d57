"""Unique tickets, which make repeated changes idempotent."""

import secrets
from collections.abc import Iterator
from itertools import count

from .._fork import PerProcess


def _begin() -> tuple[str, Iterator[str]]:
    """Return the prefix of a process's tickets, and these, which threads take as one does: in a single step."""
    prefix = f"{secrets.token_hex(8)}-"
    return prefix, map(prefix.__add__, map(str, count(1)))


_series = PerProcess(_begin)


def new_ticket() -> str:
    """Return a ticket that is unique across threads and processes."""
    return next(_series.get()[1])


def is_made_here(ticket: str) -> bool:
    """Return whether this process made a ticket, and did not inherit it when it was forked."""
    return ticket.startswith(_series()[0])
