"""The time limit of a whole call: over all its attempts, the waits between them, and the reading of the body."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

SETTLING_SECONDS = 0.25
"""How long a call may go on after its deadline to count what it used and to tell who watches it."""
CLOSING_SECONDS = 10.0
"""How long the end of a process or of a provider may wait for its stores, whatever keeps them busy."""

_used_up = float("-inf")
_latest: ContextVar[float | None] = ContextVar("latest", default=None)


def remaining(deadline: float) -> float:
    """Return the seconds left, none where it is over."""
    return max(deadline - time.monotonic(), 0.0)


def is_over(deadline: float | None) -> bool:
    """Return whether a deadline has passed."""
    return deadline is not None and time.monotonic() >= deadline


@contextmanager
def limited(deadline: float | None) -> Generator[None]:
    """Bound what blocks this thread inside the block and asks `at_most`."""
    token = _latest.set(deadline)
    try:
        yield
    finally:
        _latest.reset(token)


@contextmanager
def settling() -> Generator[None]:
    """Leave a little time for what has to be counted inside the block, whatever is left of a deadline."""
    latest = _latest.get()
    if latest is None:
        yield
        return
    with limited(max(latest, time.monotonic() + SETTLING_SECONDS)):
        yield


@contextmanager
def closing() -> Generator[None]:
    """Bound what blocks this thread inside the block, which writes what is left as an application ends.

    An application ends in steps, each of which is one: what follows one that used all its time up waits no more.
    """
    global _used_up  # noqa: PLW0603 - the end of one process
    now = time.monotonic()
    deadline = now if now - _used_up < CLOSING_SECONDS else now + CLOSING_SECONDS
    try:
        with limited(deadline):
            yield
    finally:
        if is_over(deadline):
            _used_up = time.monotonic()


def at_most(seconds: float) -> float:
    """Return for how long this thread may block: for *seconds*, or less where a call's deadline is near."""
    latest = _latest.get()
    return seconds if latest is None else min(seconds, remaining(latest))


def is_out_of_time() -> bool:
    """Return whether the call for which this thread works is over: what failed may have failed of that alone."""
    return is_over(_latest.get())
