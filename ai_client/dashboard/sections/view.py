"""A section, and the view that it is made of: the request, its filters, and the figures that were read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ...operations.statistics import StatisticsReport
from ..filters import Filters, calls_address
from ..gathering import OverviewFigures
from ..markup import Child
from ..plots.frame import Times
from ..request import PageRequest


class PageView(NamedTuple):
    """The request, and the figures for it.

    Attributes:
        request: The request for the page.
        filters: Its filters.
        gathered: What was read.
    """

    request: PageRequest
    filters: Filters
    gathered: OverviewFigures

    @property
    def report(self) -> StatisticsReport:
        """The calls of the range.

        Raises:
            UnavailableError: They could not be read.
        """
        return self.gathered.statistics.value

    @property
    def is_empty(self) -> bool:
        """Whether there were no calls in the range.

        Raises:
            UnavailableError: They could not be read.
        """
        sums = self.report.totals
        return not (sums.calls or any(sums.attempts.values()) or sums.input_tokens or sums.output_tokens)

    def filtered(self, **labels: str) -> str:
        """Return the address of this page with other labels in its filters."""
        return self.request.address("", {**self.filters.parameters, **labels})

    def calls(
        self,
        more: Mapping[str, str | None] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> str:
        """Return the address of the calls behind a figure; by default of all calls of the range."""
        return calls_address(self.request, self.filters, more or {}, since or self.report.since, until)

    def times(self, more: Mapping[str, str | None] | None = None) -> Times:
        """Return the points of the range, each with the address of the calls in it."""
        report = self.report
        starts = [point.start for point in report.points]
        links = [self.calls(more, start, start + report.step) for start in starts]
        return Times(starts, report.step, links)


class Section(NamedTuple):
    """A section of the first page.

    Attributes:
        name: Its name in addresses.
        title: Its heading.
        about: What it shows, in a line.
        enabled_by: The option that records what it shows, as it is written.
        row: The dataclass of its rows.
        rows: Returns its data.
        body: Returns its content.
        wide: Whether it takes the whole width of the page.
        totals: Returns figures about all of its rows.
        of_calls: Whether it is about the calls of the range, so that there is nothing to show without any.
    """

    name: str
    title: str
    about: str
    enabled_by: str
    row: type
    rows: Callable[[PageView], Sequence[Any]]
    body: Callable[[PageView], Child]
    wide: bool = False
    totals: Callable[[PageView], dict[str, Any]] | None = None
    of_calls: bool = False
