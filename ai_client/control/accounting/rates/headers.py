"""The rate limits that an upstream announces in headers: `x-ratelimit-*`, as OpenAI and those like it send them."""

import email.utils
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from ...._exchange.answer import Answer

Unit = Literal["requests", "tokens"]
LONGEST = 3600.0
"""Seconds after which an upstream is asked again, however long it said that it would have no room."""
_DURATION = re.compile(
    r"(?:([\d.]+)d)?(?:([\d.]+)h)?(?:([\d.]+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?(?:([\d.]+)[uµμ]s)?(?:([\d.]+)ns)?"
)
_UNITS = (86_400, 3600, 60, 1, 1e-3, 1e-6, 1e-9)
_ISO_DURATION = re.compile(r"p(?:[\d.]+d)?(?:t[\d.hms]+)?")
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[t ].+")
_EPOCHS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""Bounds of a time since 1970 in seconds, milliseconds, microseconds and nanoseconds, and how many are a second."""
_SHORTEST_EPOCH = 1e9
_LEFT = b"x-ratelimit-remaining-requests"
_UNNAMED = b"x-ratelimit-remaining"
_NAMES: tuple[tuple[Unit, bytes, bytes, bytes], ...] = (
    ("requests", _LEFT, b"x-ratelimit-limit-requests", b"x-ratelimit-reset-requests"),
    ("requests", _UNNAMED, b"x-ratelimit-limit", b"x-ratelimit-reset"),
    ("tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-limit-tokens", b"x-ratelimit-reset-tokens"),
)


class Announcement(NamedTuple):
    """One limit as a response says it: the rest, the whole, and the seconds until all of it is back."""

    left: float
    limit: float | None
    reset: float


def announced_in(answer: "Answer", now: float) -> dict[Unit, Announcement]:
    """Return what a response says of the upstream's limits, by unit; what cannot be read counts as not said."""
    said = _limits_in(answer)
    found: dict[Unit, Announcement] = {}
    for unit, of_left, of_limit, of_reset in _NAMES:
        if of_left not in said or unit in found:
            continue
        left, limit = _number(said[of_left]), _number(said.get(of_limit, b""))
        reset = seconds_until(said.get(of_reset, b"").decode("latin-1"), now)
        if left is not None and reset is not None:
            found[unit] = Announcement(left, limit, min(reset, LONGEST))
    return found


def _limits_in(answer: "Answer") -> dict[bytes, bytes]:
    """Return the headers by lower-case name; empty where none is about rate limits.

    Looking up a single header through the HTTP library takes longer than this does for all of them.
    """
    said: dict[bytes, bytes] = dict(answer.raw_headers)
    if _LEFT in said:
        return said
    if b"x-ratelimit-" in b" ".join(said).lower():
        return {name.lower(): value for name, value in said.items()}
    return {}


def _number(said: bytes) -> float | None:
    text = said.decode("latin-1").strip().lower()
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def seconds_until(text: str, now: float) -> float | None:
    """Return the seconds from *now*, a time since 1970, until a limit is reset.

    Args:
        text: A duration (`6m0s`, `1.5s`, `120ms`, `PT1M`), a number of seconds, or a time: one since 1970 in seconds,
            milliseconds, microseconds or nanoseconds, a date of ISO 8601 or one of HTTP.
        now: The current time.

    Returns:
        0 for a time that has passed; `None` where the text is none of these.
    """
    text = text.strip().lower()
    try:
        seconds = _seconds(text, now)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError):
        return None  # no such date, which the standard library finds out in many ways
    return None if seconds is None or not math.isfinite(seconds) else max(0.0, seconds)


def _seconds(text: str, now: float) -> float | None:
    if _NUMBER.fullmatch(text):
        return _until_number(float(text), now)
    if len(text) > 1 and _ISO_DURATION.fullmatch(text):
        text = text.lstrip("p").replace("t", "")
    match = _DURATION.fullmatch(text)
    if match is not None and text:
        parts = zip(match.groups(), _UNITS, strict=True)
        return sum(float(number) * unit for number, unit in parts if number)
    if _DATE.fullmatch(text):
        date = datetime.fromisoformat(text.upper())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    parsed = email.utils.parsedate_tz(text)
    return None if parsed is None else email.utils.mktime_tz(parsed) - now


def _until_number(number: float, now: float) -> float:
    """Return the seconds of a plain number: one that is large enough for it is a time since 1970."""
    if number < _SHORTEST_EPOCH:
        return number
    unit = next((unit for bound, unit in _EPOCHS if number < bound), math.inf)
    return math.inf if unit == math.inf else number / unit - now
