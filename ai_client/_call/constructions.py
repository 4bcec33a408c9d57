"""Clients as they are built: who is told of each, and which are expected, by whom."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

hook: Callable[[Any], None] | None = None
"""Called with each client once it is built; `None` while nobody detects them, which costs one comparison."""


class _Expected(threading.local):
    """Whose clients the thread builds, where they are expected."""

    owner: str | None = None


_expected = _Expected()


@contextmanager
def expected(owner: str) -> Generator[None]:
    """Expect the clients that this thread builds inside the block, by whatever function of the application.

    Args:
        owner: Whose clients they are, for logs.
    """
    before = _expected.owner
    _expected.owner = owner
    try:
        yield
    finally:
        _expected.owner = before


def is_expected() -> bool:
    """Return whether this thread builds a client that is expected."""
    return _expected.owner is not None


def owned(kind: str) -> str:
    """Return the name of a client of a class that this thread builds, for logs."""
    return kind if _expected.owner is None else f"{kind} of {_expected.owner}"
