"""Calendar windows: the hour, day, week or month in a time zone for which a budget counts.

Windows follow each other without gaps, whatever a zone does with its clocks. A day begins when its date is first
reached: midnight may come twice, or not at all, and dates may be skipped. Hours and minutes are those of the clock on
the wall; where that is moved by a part of an hour, the hour is cut short.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import ConfigError

Per: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "total"]
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
NEVER = 10_000_000_000.0
"""The end of a window that never ends, in seconds since 1970."""
_DAY = SECONDS["day"]
_STEP = 6 * SECONDS["hour"]
"""Seconds between two looks for changes of the clocks; no zone changes them and changes them back in less."""


class Window(NamedTuple):
    """A calendar window: its name, its end and its start in seconds since 1970."""

    name: str
    end: float
    start: float = 0.0


_TOTAL = Window("total", NEVER)
_latest: dict[tuple[Per, str], Window] = {}


def window(per: Per, timezone: str, now: float) -> Window:
    """Return the calendar window in *timezone* that contains *now*, in seconds since 1970.

    A week starts on Monday; `total` never ends.
    """
    if per == "total":
        return _TOTAL
    found = _latest.get((per, timezone))
    if found is None or not found.start <= now < found.end:
        found = _latest[per, timezone] = _window(per, zone(timezone), int(now // 1))
    return found


def _window(per: Per, at: ZoneInfo, now: int) -> Window:
    if per in ("second", "minute", "hour"):
        start, end = _on_the_clock(at, now, SECONDS[per])
    else:
        start, end = _on_the_calendar(at, now, per)
    return Window(f"{per}:{datetime.fromtimestamp(start, at).isoformat()}", float(end), float(start))


def _on_the_clock(at: ZoneInfo, now: int, length: int) -> tuple[int, int]:
    """Return start and end of a window that begins where the local time is a multiple of *length* seconds."""

    def shift(instant: int) -> int:
        return _offset(at, instant) % length

    own = shift(now)
    start = now - (now + own) % length
    end = start + length
    if shift(start) != own:
        start = _change(shift, start, now)
    if shift(end - 1) != own:
        end = _change(shift, now, end - 1)
    return start, end


def _on_the_calendar(at: ZoneInfo, now: int, per: Per) -> tuple[int, int]:
    """Return start and end of the day, week or month."""
    day = datetime.fromtimestamp(now, at).date()
    while _begin(at, tomorrow := day + timedelta(days=1)) <= now:  # the clocks went back beyond midnight
        day = tomorrow
    if per == "week":
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    elif per == "month":
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    else:
        first, following = day, tomorrow
    return _begin(at, first), _begin(at, following)


def _begin(at: ZoneInfo, day: date) -> int:
    """Return the first instant at which the date in a zone is *day* or later."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    instant = midnight - _DAY  # before it in every zone
    while True:
        offset = _offset(at, instant)
        if instant + offset >= midnight:
            return instant
        reached = midnight - offset  # unless the clocks are changed before
        step = min(instant + _STEP, reached)
        instant = step if _offset(at, step) == offset else _change(partial(_offset, at), instant, step)


def _change(value: Callable[[int], int], before: int, after: int) -> int:
    """Return the instant after *before* and up to *after* from which on *value* is that at *after*."""
    new = value(after)
    while after - before > 1:
        middle = (before + after) // 2
        if value(middle) == new:
            after = middle
        else:
            before = middle
    return after


def _offset(at: ZoneInfo, instant: int) -> int:
    """Return the seconds by which local time is ahead of UTC."""
    offset = datetime.fromtimestamp(instant, at).utcoffset()
    assert offset is not None  # noqa: S101 - a `ZoneInfo` knows it for every instant
    return round(offset.total_seconds())


_NAME_OF_ZONE = re.compile(r"\w+(/[\w+-]+)*")


def _shown(name: str) -> str:
    """Return a name in quotes; what cannot be that of a time zone may be a secret, and is `***`."""
    return repr(name) if _NAME_OF_ZONE.fullmatch(name) else "***"


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ConfigError: The name is unknown on this machine, or no text.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(
            f"timezone: expected an IANA name such as Europe/Berlin, not {type(name).__name__}."
        )
    return _zone(name)


@lru_cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a directory of them, or too long
        raise ConfigError(
            f"timezone: the time zone {_shown(name)} is unknown; use an IANA name such as Europe/Berlin, and install"
            " tzdata where the system has no time zones."
        ) from error
