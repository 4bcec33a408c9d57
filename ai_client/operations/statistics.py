"""The calls of a time as the control `statistics` has added them up: in all, over time, and by who made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .call_sums import CallSums, Histogram
from .configured import Aliases

__all__ = ["CallSums", "Histogram", "Point", "StatisticsBook", "StatisticsReport"]


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
        endpoints: The calls by endpoint, without histograms and classes of errors.
        models: The calls by model, as an alias or a fallback resolves it.
        tenants: The calls by tenant, without histograms and classes of errors.
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
        """Return what the calls of a time came to; blocks while it reads, on an event loop too.

        Up to three hours are told apart by the minute, up to 72 by the hour, more by the day in UTC. Minutes are kept
        for three hours, hours for three days; a time that is longer ago is told apart by what is still kept.

        Args:
            since: Where the time begins, or how long it is.
            until: Where it ends; now if not given. Moments without a time zone are in UTC.
            endpoint: The endpoint of the calls; an empty one for calls without any.
            model: The model that they are sent to.
            tenant: Their tenant.

        Raises:
            ConfigError: No control `statistics` is configured, or an argument is invalid.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

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
        raise NotImplementedError
