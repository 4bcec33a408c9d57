"""Clients as they are built: who is told of each, and which are expected."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

hook: Callable[[Any], None] | None = None
"""Called with each client once it is built; `None` while nobody detects them, which costs one comparison."""


class _Depth(threading.local):
    """How many blocks of `expected` the thread is in."""

    value = 0


_depth = _Depth()


@contextmanager
def expected() -> Generator[None]:
    """Expect the clients that this thread builds inside the block, by whatever function of the application."""
    _depth.value += 1
    try:
        yield
    finally:
        _depth.value -= 1


def is_expected() -> bool:
    """Return whether this thread builds a client that is expected."""
    return _depth.value > 0
