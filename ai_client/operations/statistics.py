"""The calls of a time as the control `statistics` has added them up: in all, over time, and by who made them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from .._io.reading import aread, aside, read
from ..control.accounting.cost import Cost
from ..control.statistics.periods import digest_of, lengths
from ..control.statistics.policy import Statistics
from ..stores.totals import Totals, added
from .call_sums import CallSums, Histogram, call_sums
from .configured import Aliases
from .counting import counting_in
from .statistics_range import Range, range_of
from .statistics_rows import ChosenLabels, added_rows

__all__ = ["CallSums", "Histogram", "Point", "StatisticsBook", "StatisticsReport"]
_SECONDS = 5.0
"""Seconds that a report may take."""


@dataclass(frozen=True, slots=True)
class Point:
    """The calls of one minute, hour or day, counted when they ended.

    Attributes:
        start: When it begins, in UTC.
        sums: What its calls came to.
    """

    start: datetime
    sums: CallSums


@dataclass(frozen=True, kw_only=True, slots=True)
class StatisticsReport:
    """The calls of a time.

    Attributes:
        since: Where the first point begins, in UTC.
        until: Where the last point ends.
        step: The length of a point: a minute, an hour or a day.
        totals: All calls.
        points: The calls over time, in order; those without any too.
        endpoints: The calls by endpoint: how many there were, how they ended, and what they used and cost.
        models: The calls by model, as an alias or a fallback resolves it.
        tenants: The calls by tenant, as those by endpoint.
    """

    since: datetime
    until: datetime
    step: timedelta
    totals: CallSums
    points: tuple[Point, ...]
    endpoints: Mapping[str, CallSums]
    models: Mapping[str, CallSums]
    tenants: Mapping[str, CallSums]


class StatisticsBook:
    """Reports on the calls of a time.

    That of a provider covers the clients of all aliases, that of an alias its own.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def report(
        self,
        *,
        since: datetime | timedelta,
        until: datetime | None = None,
        endpoint: str | None = None,
        model: str | None = None,
        tenant: str | None = None,
    ) -> StatisticsReport:
        """Return the calls that ended within a time; blocks while it reads, on an event loop too.

        Up to three hours are told apart by the minute, up to three days by the hour, more by the day in UTC. Minutes
        are kept for three hours and hours for three days: what is longer ago is told apart by what is kept. The
        first and the last minute, hour or day are in the report as a whole.

        Args:
            since: Where the time begins, or how long it is. What is no longer kept is left out.
            until: Where it ends; now if not given. Moments without a time zone are in UTC.
            endpoint: The endpoint of the calls; an empty one for calls without any.
            model: The model that they are sent to.
            tenant: Their tenant.

        Raises:
            ConfigError: No control `statistics` is configured, or an argument is invalid.
            StoreError: A store is down, or did not answer in time.
        """
        return read(
            partial(self._report, since, until, ChosenLabels.given(endpoint, model, tenant)), _SECONDS
        )

    async def areport(
        self,
        *,
        since: datetime | timedelta,
        until: datetime | None = None,
        endpoint: str | None = None,
        model: str | None = None,
        tenant: str | None = None,
    ) -> StatisticsReport:
        """Return a report like `report`, without blocking the event loop."""
        return await aread(
            partial(self._report, since, until, ChosenLabels.given(endpoint, model, tenant)), _SECONDS
        )

    async def _report(
        self, since: datetime | timedelta, until: datetime | None, labels: ChosenLabels, io: Any
    ) -> StatisticsReport:
        kept = [
            metrics.statistics
            for _, metrics in counting_in(self._aliases, with_statistics=True)
            if metrics.statistics is not None
        ]
        retention = max(one.retention for one in kept)
        time_asked = range_of(since, until, lengths(retention), time.time())
        found = [await _totals(io, one, labels, time_asked) for one in kept]
        is_priced = any(
            isinstance(policy, Cost) for clients in self._aliases.values() for policy in clients._policies()
        )
        return await aside(io, partial(_made, found, labels, time_asked, is_priced=is_priced))


async def _totals(io: Any, statistics: Statistics, labels: ChosenLabels, asked: Range) -> Totals:
    """Return the rows of a view in all periods together, and those of all calls of the report in each by number."""
    digest = digest_of(statistics.name, statistics.client, labels.view)
    periods = asked.periods(digest)
    found = await statistics.shared.totals(io, periods, labels.totals(()))
    if labels.needs_rows and (rows := labels.totals(found.sums)):
        found = await statistics.shared.totals(io, periods, rows)
    return found._replace(apart={period[: -len(digest)]: keys for period, keys in found.apart.items()})


def _made(
    found: Sequence[Totals], labels: ChosenLabels, asked: Range, *, is_priced: bool
) -> StatisticsReport:
    """Return the report of what was read for several aliases."""
    together = added({str(number): one.sums for number, one in enumerate(found)}, ()).sums
    rows = labels.rows(together)
    points: list[Point] = []
    for number, period in zip(range(asked.first, asked.end), asked.periods(""), strict=True):
        amounts = added_rows(row for one in found for row in one.apart.get(period, {}).values())
        points.append(Point(asked.start(number), call_sums(amounts, is_priced=is_priced)))

    def each(sums: Mapping[str, Mapping[str, int]]) -> dict[str, CallSums]:
        return {value: call_sums(amounts, is_priced=is_priced) for value, amounts in sorted(sums.items())}

    return StatisticsReport(
        since=asked.start(asked.first),
        until=asked.start(asked.end),
        step=timedelta(seconds=asked.length.seconds),
        totals=call_sums(rows.total, is_priced=is_priced),
        points=tuple(points),
        endpoints=each(rows.endpoints),
        models=each(rows.models),
        tenants=each(rows.tenants),
    )
