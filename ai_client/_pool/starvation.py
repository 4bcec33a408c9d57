"""Waiting long for a response to be over: those in reference cycles are not until they are collected."""

import gc
import time
from math import inf

STARVING = 5.0
"""Seconds without a permit, or less where the request waits for less, after which garbage is collected."""
_SHARE = 20
"""Of so many seconds one is spent on that at most: meanwhile no other thread or task goes on."""

_collected = -inf
_rested = -inf


class Starvation:
    """The time of who waits: garbage is collected ever more rarely, and before it gives up.

    Args:
        limit: Seconds that it waits; `None` is without an end.
        first: Seconds after which garbage is collected for the first time; `None` is `STARVING`.
    """

    __slots__ = ("_end", "_next", "_since", "_step")

    def __init__(self, limit: float | None, first: float | None = None) -> None:
        self._since = time.monotonic()
        self._end = inf if limit is None else self._since + max(limit, 0.0)
        self._step = STARVING if first is None else first
        self._next = self._since + self._step

    def pause(self) -> float:
        """Return the seconds until `relieve` is called again."""
        return max(min(self._next, self._end) - time.monotonic(), 0.0)

    def relieve(self) -> bool:
        """Collect garbage, unless that was done meanwhile or a moment ago; return whether there is time to go on."""
        now = time.monotonic()
        if _collected <= self._since and now < _rested < self._end:
            self._next = _rested
            return True
        if _collected <= self._since and now >= _rested:
            _collect()
        self._since = now
        self._step *= 2
        self._next = now + self._step
        return now < self._end


def _collect() -> None:
    global _collected, _rested  # noqa: PLW0603 - one for all pools
    _collected = time.monotonic()
    _rested = _collected + STARVING  # for threads that look meanwhile
    try:
        gc.collect()
    finally:
        now = time.monotonic()
        _rested = now + _SHARE * (now - _collected)
