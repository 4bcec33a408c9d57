"""The section about calls that failed, by the class of their error."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...operations.statistics import CallSums
from ..markup import Child, tag
from ..plots.bars import Slice, bar
from ..plots.columns import columns
from ..plots.frame import Caption, Series
from ..shown import shown_count, shown_moment, shown_share
from ..tables import details, figure, number_figure, table
from .view import PageView, Section

_COLOURS = ("e1", "e2", "e3", "e4")
_OTHERS = "Others"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The section about calls that failed with one class of error.

    Attributes:
        error: The class.
        calls: How many.
        share: Their share of all calls, from 0 to 1.
    """

    error: str
    calls: int
    share: float


def _rows(view: PageView) -> list[ErrorRow]:
    sums = view.report.totals
    found = Counter(sums.errors_by_class).most_common()
    return [ErrorRow(error, count, count / max(1, sums.calls)) for error, count in found]


def _totals(view: PageView) -> dict[str, Any]:
    sums = view.report.totals
    return {"calls": sums.calls, "errors": sums.errors, "cancelled": sums.cancelled}


def _body(view: PageView) -> Child:
    sums = view.report.totals
    rate = shown_share(sums.errors, sums.calls)
    cancelled = None
    if sums.cancelled:
        count = number_figure(sums.cancelled, view.calls({"outcome": "cancelled"}))
        cancelled = [" and ", count, " was cancelled" if sums.cancelled == 1 else " were cancelled"]
    failed = number_figure(sums.errors, view.calls({"outcome": "error"}) if sums.errors else None)
    return [
        tag(
            "p",
            tag("b", rate),
            tag("small", " ", failed, f" of {shown_count(sums.calls, 'call')} failed", cancelled),
            class_="headline",
        ),
        _over_time(view) if sums.errors else tag("p", "No call failed in this time.", class_="quiet"),
        _by_class(view),
    ]


def _over_time(view: PageView) -> Child:
    report = view.report
    rows = _rows(view)
    names = [row.error for row in rows[: len(_COLOURS)]]
    if len(rows) > len(_COLOURS):
        names[-1:] = [_OTHERS]
    known = {name for name in names if name != _OTHERS}
    series = [
        Series(name, colour, [_share(point.sums, name, known) for point in report.points])
        for name, colour in zip(names, _COLOURS, strict=False)
    ]
    about = f"{shown_share(report.totals.errors, report.totals.calls)} of all calls failed."
    if rows:
        about += f" Most often: {rows[0].error}, {shown_count(rows[0].calls, 'time')}."
    times = view.times({"outcome": "error"})
    heads = ["From", "Calls", "Failed", "Share"]
    cells = (
        (
            shown_moment(point.start, step=report.step),
            number_figure(point.sums.calls),
            number_figure(point.sums.errors, link),
            shown_share(point.sums.errors, point.sums.calls),
        )
        for point, link in zip(report.points, times.links, strict=True)
    )
    return [
        columns(
            Caption("errors-plot", "Share of calls that failed, over time", about),
            times,
            series,
            lambda value: shown_share(value, 1),
            least=0.01,
        ),
        details("errors-table", "As a table", table("Errors over time", heads, cells, numbers=3)),
    ]


def _share(sums: CallSums, name: str, known: set[str]) -> float | None:
    if not sums.calls:
        return None
    found = sums.errors_by_class
    count = (
        sum(each for error, each in found.items() if error not in known)
        if name == _OTHERS
        else found.get(name, 0)
    )
    return count / sums.calls


def _by_class(view: PageView) -> Child:
    rows = _rows(view)
    if not rows:
        return None
    cells = (
        (
            tag(
                "span",
                tag("span", row.error, class_="name"),
                bar([Slice(row.calls, "e1")], rows[0].calls),
                class_="barred",
            ),
            number_figure(row.calls, view.calls({"error": row.error})),
            figure(row.share, shown_share(row.share, 1)),
        )
        for row in rows
    )
    return table("Errors by class", ["Error", "Calls", "Share"], cells, numbers=2)


SECTION = Section(
    "errors",
    "Errors",
    "Calls that failed after all retries, as a share of all calls",
    'controls={"dashboard": True, "statistics": True}',
    ErrorRow,
    _rows,
    _body,
    totals=_totals,
    of_calls=True,
)
