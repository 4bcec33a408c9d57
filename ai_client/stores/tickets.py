"""Unique tickets, which make repeated changes idempotent."""

import secrets
from itertools import count

from .._fork import PerProcess

_series = PerProcess(lambda: (secrets.token_hex(8), count(1)))


def new_ticket() -> str:
    """Return a ticket that is unique across threads and processes."""
    prefix, numbers = _series.get()
    return f"{prefix}-{next(numbers)}"


def is_made_here(ticket: str) -> bool:
    """Return whether this process made a ticket, and did not inherit it when it was forked."""
    return ticket.startswith(_series()[0])
