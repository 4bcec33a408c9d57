"""Waiting for what announces itself to nobody."""

import time
from collections.abc import Callable

_PATIENCE = 60.0


def until(predicate: Callable[[], object]) -> None:
    """Block until the predicate is true, and fail if it does not become so."""
    give_up = time.monotonic() + _PATIENCE
    while not predicate():
        assert time.monotonic() < give_up
        time.sleep(0.001)
