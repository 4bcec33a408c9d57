"""The calls, tokens and cost that the control `cost` has added up, by endpoint, model, tenant and more."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias, get_args
from zoneinfo import ZoneInfo

from .._call.record import NANO
from .._io.reading import aread, aside, read
from ..control.accounting.cost import Cost
from ..control.accounting.totals import FIRST, LAST, Dimension, Values, hour_of, in_order, summed
from ..control.windows import zone
from ..errors import ConfigError
from ..stores.place import place_of
from .configured import Aliases, policies_of

Time: TypeAlias = datetime | date
"""A moment, or a whole day."""
_DIMENSIONS: tuple[str, ...] = get_args(Dimension)
_HOUR = timedelta(hours=1)
_LEAST = 1e-6
"""Seconds that tell the end of a report from what is before it."""
_SECONDS = 30.0
"""Seconds that a report may take."""
_PERIOD = re.compile(r"\d{4}-\d\d-\d\dT\d\d")


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One row of a report: the sums of the calls with the same labels.

    Attributes:
        labels: The values of the dimensions that the report groups by, in their order; `None` where a call has none.
        calls: Calls that were or may have been billed.
        usd: USD of the calls whose cost is known; `None` where calls were made and no cost is known.
        nano_usd: The same in 10^-9 USD, which is exact.
        unpriced: Calls whose cost is unknown and not included in `usd`.
        input_tokens: All tokens that went in.
        cached_tokens: Those of them that were read from the provider's cache.
        output_tokens: All tokens that came out.
        reasoning_tokens: Those of them that were spent on reasoning.
        audio_tokens: Audio tokens in and out.
        seconds: Whole seconds of audio.
        characters: Characters spoken.
        images: Images made.
        reported: Calls whose usage the API reported.
        estimated: Calls whose usage is estimated.
        unknown: Calls whose usage is unknown.
    """

    labels: Mapping[str, str | None]
    calls: int
    usd: float | None
    nano_usd: int | None
    unpriced: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_tokens: int
    seconds: int
    characters: int
    images: int
    reported: int
    estimated: int
    unknown: int


class UsageBook:
    """Reports on what calls used and cost.

    That of a provider covers the clients of all aliases, and counts a store that several of them share once; that of an
    alias covers what is in its own store.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def report(
        self,
        by: Dimension | Sequence[Dimension] = (),
        *,
        since: Time | None = None,
        until: Time | None = None,
        timezone: str = "UTC",
        rounded: bool = False,
    ) -> list[UsageRow]:
        """Return the totals, one row for each combination of *by*; blocks while it reads, on an event loop too.

        Totals are kept by the hour in UTC. An hour belongs to the report if it begins before *until* and ends after
        *since*.

        Args:
            by: The dimensions to group by; none returns one row, or no row where nothing was counted.
            since: Where the report begins: a moment, or the beginning of a day.
            until: Where it ends: a moment, or the end of a day.
            timezone: The time zone of hours and days, by its IANA name, and of moments that have none of their own.
            rounded: Whether an hour in UTC that two days share in the time zone counts for the first of them, and so is
                not in a report that begins with the second.

        Raises:
            ConfigError: No control `cost` is configured, or an argument is invalid, as an end before the beginning; or
                days cannot be told apart exactly, as the time zone differs from UTC by a part of an hour, and
                *rounded* is not set.
            StoreError: A store is down, or did not answer in time.
        """
        asked = _Asked(by, since, until, timezone, rounded=rounded)
        return read(partial(self._report, asked), _SECONDS)

    async def areport(
        self,
        by: Dimension | Sequence[Dimension] = (),
        *,
        since: Time | None = None,
        until: Time | None = None,
        timezone: str = "UTC",
        rounded: bool = False,
    ) -> list[UsageRow]:
        """Return the totals like `report`, without blocking the event loop."""
        asked = _Asked(by, since, until, timezone, rounded=rounded)
        return await aread(partial(self._report, asked), _SECONDS)

    async def _report(self, asked: "_Asked", io: Any) -> list[UsageRow]:
        stores = {place_of(cost.store): cost.store for _, cost in policies_of(self._aliases, Cost, "cost")}
        found = [
            await store.sums(io, asked.first, asked.last) for store in stores.values() if store is not None
        ]
        return await aside(io, asked.rows, found)


class _Asked:
    """A report as it was asked for.

    Attributes:
        first, last: The names of the first and the last period of it.
    """

    def __init__(
        self,
        by: Dimension | Sequence[Dimension],
        since: Time | None,
        until: Time | None,
        timezone: str,
        *,
        rounded: bool,
    ) -> None:
        self._by: tuple[Any, ...] = (by,) if isinstance(by, str) else tuple(by)
        for name in self._by:
            if name not in _DIMENSIONS:
                raise ConfigError(f"by: {name!r} is no dimension; they are {', '.join(_DIMENSIONS)}.")
        if len({*self._by}) < len(self._by):
            raise ConfigError("by: a dimension is named twice.")
        self._timezone, self._zone = timezone, zone(timezone)
        self._splits_days = "day" in self._by and not rounded
        begin = None if since is None else _moment("since", since, self._zone)
        end = None if until is None else _moment("until", until, self._zone)
        if begin is not None and end is not None and end < begin:
            raise ConfigError("since must be before until.")
        if begin is not None and begin == end:
            self.first, self.last = LAST, FIRST  # no period is between them
            return
        if begin is not None and rounded and not isinstance(since, datetime):
            begin += _HOUR.total_seconds() - _LEAST  # what is left of the hour counts for the day before
        self.first = FIRST if begin is None else hour_of(begin)
        self.last = LAST if end is None else hour_of(end - _LEAST)

    def rows(self, found: Sequence[Mapping[str, Mapping[str, Mapping[str, int]]]]) -> list[UsageRow]:
        """Return the rows of the totals of several stores."""
        if self._splits_days:
            self._check_days(datetime.now(UTC))
        sums: dict[Values, dict[str, int]] = {}
        for totals in found:
            mine = {period: keys for period, keys in totals.items() if _PERIOD.fullmatch(period)}
            summed(mine, self._by, self._times, sums)
        ordered = in_order(sums)
        if "hour" in self._by:
            ordered.sort(key=lambda row: self._place(row[0]))
        return [_row(dict(zip(self._by, values, strict=True)), one) for values, one in ordered]

    def _place(self, values: Values) -> list[Any]:
        """Return where a row stands: hours in the order of time, also where the clocks went back."""
        return [
            datetime.fromisoformat(value) if name == "hour" and value else value or ""
            for name, value in zip(self._by, values, strict=True)
        ]

    def _times(self, period: str) -> dict[str, str]:
        start = datetime.fromisoformat(f"{period}:00+00:00")
        if self._splits_days:
            self._check_days(start)
        local = start.astimezone(self._zone)
        return {"hour": local.isoformat(timespec="minutes"), "day": local.date().isoformat()}

    def _check_days(self, start: datetime) -> None:
        offset = start.astimezone(self._zone).utcoffset() or timedelta()
        if offset % _HOUR:
            raise ConfigError(
                f"timezone: {self._timezone} differs from UTC by a part of an hour, and usage is kept by the hour in"
                " UTC, so that days there cannot be told apart exactly. Report by hour, or set rounded=True to count an"
                " hour that two days share for the first of them."
            )


def _moment(name: str, given: Time, at: ZoneInfo) -> float:
    """Return a moment in seconds since 1970; without a time zone it is in that of the report.

    Of a day it is the beginning for `since`, and the end for `until`.
    """
    if not isinstance(given, date):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{name} must be a datetime or a date, not {type(given).__name__}.")
    try:
        if not isinstance(given, datetime):
            day = given + timedelta(days=1) if name == "until" else given
            given = datetime(day.year, day.month, day.day, tzinfo=at)
        moment = (given.replace(tzinfo=at) if given.tzinfo is None else given).timestamp()
        datetime.fromtimestamp(moment - _LEAST, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise ConfigError(f"{name}: {given} is beyond what can be counted; leave it out.") from error
    return moment


def _row(labels: Mapping[str, str | None], sums: Mapping[str, int]) -> UsageRow:
    of: Callable[[str], int] = partial(_amount, sums)
    unpriced = of("unpriced")
    nano_usd = sums.get("nano_usd", None if unpriced else 0)
    return UsageRow(
        labels=labels,
        calls=of("calls"),
        usd=None if nano_usd is None else nano_usd / NANO,
        nano_usd=nano_usd,
        unpriced=unpriced,
        input_tokens=of("input"),
        cached_tokens=of("cached"),
        output_tokens=of("output"),
        reasoning_tokens=of("reasoning"),
        audio_tokens=of("audio"),
        seconds=of("seconds"),
        characters=of("characters"),
        images=of("images"),
        reported=of("reported"),
        estimated=of("estimated"),
        unknown=of("unknown"),
    )


def _amount(sums: Mapping[str, int], name: str) -> int:
    return sums.get(name, 0)
