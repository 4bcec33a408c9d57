"""The time of a report on calls: how it is divided, and which periods that are kept are in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..control.statistics.periods import Length, period_of
from ..errors import ConfigError


class Range(NamedTuple):
    """The periods of a report.

    Attributes:
        length: Their length.
        first: The number of the first.
        end: The number after that of the last.
    """

    length: Length
    first: int
    end: int

    def start(self, number: int) -> datetime:
        """Return when a period begins."""
        return datetime.fromtimestamp(number * self.length.seconds, UTC)

    def periods(self, digest: str) -> list[str]:
        """Return the names of the periods of a view, in order."""
        return [period_of(self.length, number, digest) for number in range(self.first, self.end)]


def range_of(
    since: datetime | timedelta, until: datetime | None, lengths: Sequence[Length], now: float
) -> Range:
    """Return the periods of a report, of the shortest length that is kept for so long.

    Args:
        since: Where it begins, or how long it is.
        until: Where it ends; *now* if not given, which is also the latest.
        lengths: The lengths, the shortest first.
        now: The present time in seconds since 1970.

    Raises:
        ConfigError: The times are invalid.
    """
    end = now if until is None else min(now, _moment("until", until))
    if isinstance(since, timedelta):
        begin = end - since.total_seconds()
    else:
        begin = _moment("since", since)
        if until is None and begin >= end:
            raise ConfigError(f"since: {since} is not in the past.")
    if begin >= end:
        raise ConfigError("since must be before until.")
    length = next(
        (one for one in lengths if end - begin <= one.span and begin >= one.oldest(now)),
        lengths[-1],
    )
    first = length.number(max(begin, length.oldest(now)))
    last = length.number(end) - (end % length.seconds == 0)
    return Range(length, first, max(first, last + 1))


def _moment(name: str, given: object) -> float:
    """Return a moment in seconds since 1970; one without a time zone is in UTC."""
    if not isinstance(given, datetime):
        raise ConfigError(f"{name} must be a datetime, not {type(given).__name__}.")
    try:
        return (given.replace(tzinfo=UTC) if given.tzinfo is None else given).timestamp()
    except (OverflowError, ValueError, OSError) as error:
        raise ConfigError(f"{name}: {given} is beyond what can be counted.") from error
