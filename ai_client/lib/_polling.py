"""Waiting for work that the server does in its own time."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .._io import IO
from .._params.omit import NotGiven, Omit
from ..errors import PollTimeoutError

if TYPE_CHECKING:
    from .._answers.raw_response import LegacyAPIResponse

T = TypeVar("T")

_HINT = "openai-poll-after-ms"
_DEFAULT_INTERVAL = 1.0
_LONGEST_INTERVAL = 300.0
"""Seconds after which a server is asked again, whatever it proposed."""


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
    """Ask for a piece of work until it is no longer pending, and give what the server says then.

    Args:
        io: How to wait.
        fetch: Asks the server.
        is_pending: Tells whether the work goes on.
        what: How to call it in messages.
        poll_interval_ms: Milliseconds between questions; by default what the server proposes, else 1,000.
        max_wait_seconds: When to give up; by default never. A question that is under way is not broken off.
        on_progress: Called with each answer, the last one included; awaited where it can be.

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
    """Refuse a limit that is none.

    Raises:
        ValueError: It is negative or not finite.
    """
    if isinstance(max_wait_seconds, Omit | NotGiven):
        return
    if not math.isfinite(max_wait_seconds) or max_wait_seconds < 0:
        raise ValueError("Expected a finite, non-negative value for `max_wait_seconds`")


def headers(poll_interval_ms: float | Omit) -> dict[str, str]:
    """Give the headers that tell the server who asks, and how often."""
    told = {"X-Stainless-Poll-Helper": "true"}
    if not isinstance(poll_interval_ms, Omit):
        told["X-Stainless-Custom-Poll-Interval"] = str(poll_interval_ms)
    return told


def _remaining(deadline: float | None, what: str, last: object) -> float:
    if deadline is None:
        return math.inf
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise PollTimeoutError(f"Timed out waiting for {what} to finish processing; it goes on.", last=last)
    return remaining


def _proposed(hint: str | None) -> float:
    try:
        return min(max(0.0, int(hint) / 1000), _LONGEST_INTERVAL) if hint is not None else _DEFAULT_INTERVAL
    except (ArithmeticError, ValueError):
        return _DEFAULT_INTERVAL
