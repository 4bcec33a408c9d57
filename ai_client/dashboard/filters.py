"""Which calls a page shows: a range of time, and labels that they must have, as its URL says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from .request import PageRequest

ALL = "*"
"""The value of a parameter that leaves a label open, as a form sends it; an empty one is calls without the label."""
LABELS = ("endpoint", "model", "tenant")
RANGES: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
"""Ranges of time by their value in the URL, each with its name."""
_DEFAULT = "24h"


class Filters(NamedTuple):
    """Which calls a page shows.

    Attributes:
        range: The range of time up to now, a key of `RANGES`.
        endpoint: The endpoint of the calls; empty for those without any, `None` for all.
        model: Their model, in the same way.
        tenant: Their tenant, in the same way.
    """

    range: str = _DEFAULT
    endpoint: str | None = None
    model: str | None = None
    tenant: str | None = None

    @classmethod
    def of(cls, request: PageRequest) -> Self:
        """Return what the URL of a request asks for; an unknown range is a day."""
        given = request.parameters
        chosen = given.get("range", _DEFAULT)
        labels = {name: given[name] for name in LABELS if given.get(name, ALL) != ALL}
        return cls(chosen if chosen in RANGES else _DEFAULT, **labels)

    @property
    def span(self) -> timedelta:
        """How long the range is."""
        return RANGES[self.range][1]

    @property
    def labels(self) -> dict[str, str]:
        """The labels that calls must have."""
        values = self._asdict()
        return {name: values[name] for name in LABELS if values[name] is not None}

    @property
    def parameters(self) -> dict[str, str | None]:
        """The parameters of a URL that asks for the same."""
        return {"range": None if self.range == _DEFAULT else self.range, **self.labels}


def calls_address(
    request: PageRequest,
    filters: Filters,
    more: Mapping[str, str | None],
    since: datetime,
    until: datetime | None = None,
) -> str:
    """Return the address of the list of the calls behind a figure.

    Args:
        request: The request for the page that links there.
        filters: The filters of the page.
        more: Further parameters of the list, such as `outcome`, or other labels than those of the filters.
        since: Where the time of the figure begins.
        until: Where it ends; now if not given.
    """
    times = {"since": as_parameter(since), "until": None if until is None else as_parameter(until)}
    return request.address("calls", {**filters.labels, **times, **more})


def as_parameter(moment: datetime) -> str:
    """Return a moment as the parameter of a URL, in UTC: `2026-11-30T08:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
