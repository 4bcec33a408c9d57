"""Poll the server until a piece of work is done."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .._answers.raw_response import LegacyAPIResponse
from .._io import IO
from .._params.omit import NotGiven, Omit
from ..errors import PollTimeoutError

T = TypeVar("T")

_HINT = "openai-poll-after-ms"
_DEFAULT_INTERVAL = 1.0
_LONGEST_INTERVAL = 300.0
"""Upper bound, in seconds, for the interval that a server proposes."""


async def poll(
    io: IO,
    fetch: "Callable[[], Awaitable[LegacyAPIResponse[T]]]",
    is_pending: Callable[[T], bool],
    *,
    what: str,
    poll_interval_ms: float | Omit,
    max_wait_seconds: float | Omit,
    on_progress: Callable[[T], Any] | None,
) -> T:
    """Fetch the state of a piece of work until it is no longer pending, and return the final state.

    Args:
        io: How to wait.
        fetch: Requests the state from the server.
        is_pending: Returns whether the work is still in progress.
        what: Name of the work in error messages.
        poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1,000.
        max_wait_seconds: When to give up; by default never. A request in progress is not interrupted.
        on_progress: Called with each state, including the final one; its result is awaited where it is
            awaitable.

    Raises:
        PollTimeoutError: The work was still pending after *max_wait_seconds*.
        ValueError: *max_wait_seconds* is negative or not finite.
    """
    check_wait(max_wait_seconds)
    deadline = None if isinstance(max_wait_seconds, Omit) else time.monotonic() + max_wait_seconds
    interval = None if isinstance(poll_interval_ms, Omit) else poll_interval_ms / 1000
    state: T | None = None
    while True:
        _remaining(deadline, what, state)
        answer = await fetch()
        state = answer.parse()
        if on_progress is not None:
            await io.call(on_progress, state)
        if not is_pending(state):
            return state
        if interval is None:
            interval = _proposed(answer.headers.get(_HINT))
        await io.sleep(min(interval, _remaining(deadline, what, state)))


def check_wait(max_wait_seconds: float | Omit) -> None:
    """Validate `max_wait_seconds`.

    Raises:
        ValueError: It is negative or not finite.
    """
    if isinstance(max_wait_seconds, Omit | NotGiven):
        return
    if not math.isfinite(max_wait_seconds) or max_wait_seconds < 0:
        raise ValueError("Expected a finite, non-negative value for `max_wait_seconds`")


def headers(poll_interval_ms: float | Omit) -> dict[str, str]:
    """Return the headers that announce polling and its interval to the server."""
    told = {"X-Stainless-Poll-Helper": "true"}
    if not isinstance(poll_interval_ms, Omit):
        told["X-Stainless-Custom-Poll-Interval"] = str(poll_interval_ms)
    return told


def _remaining(deadline: float | None, what: str, last: object) -> float:
    if deadline is None:
        return math.inf
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise PollTimeoutError(
            f"Timed out waiting for {what} to finish processing; the server continues it.", last=last
        )
    return remaining


def _proposed(hint: str | None) -> float:
    try:
        return min(max(0.0, int(hint) / 1000), _LONGEST_INTERVAL) if hint is not None else _DEFAULT_INTERVAL
    except (ArithmeticError, ValueError):
        return _DEFAULT_INTERVAL
