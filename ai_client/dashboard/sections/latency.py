"""The section about latency: how long calls take, and how soon streams begin."""

from dataclasses import dataclass

from ...operations.statistics import CallSums
from ..markup import Child, Html, joined, tag
from ..plots.bars import range_bar
from ..plots.frame import Caption, Series
from ..plots.lines import lines
from ..plots.scale import upper_bound
from ..shown import shown_label, shown_moment, shown_seconds
from ..tables import details, number_figure, seconds_figure, table
from .view import PageView, Section

_HALF, _MOST = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """How long the calls of a model take.

    Attributes:
        model: The model; empty where it is not known.
        calls: How many calls ended.
        p50: Seconds within which half of them ended.
        p95: Seconds within which 95 % of them ended.
        streams: How many streams began.
        first_item_p50: Seconds within which half of them began.
        first_item_p95: Seconds within which 95 % of them began.
    """

    model: str
    calls: int
    p50: float | None
    p95: float | None
    streams: int
    first_item_p50: float | None
    first_item_p95: float | None


def _rows(view: PageView) -> list[LatencyRow]:
    models = view.report.models.items()
    return [_row(name, sums) for name, sums in sorted(models, key=lambda item: (-item[1].calls, item[0]))]


def _row(model: str, sums: CallSums) -> LatencyRow:
    call, first = sums.duration, sums.first_item
    return LatencyRow(
        model,
        sums.calls,
        call.quantile(_HALF),
        call.quantile(_MOST),
        first.count,
        first.quantile(_HALF),
        first.quantile(_MOST),
    )


def _body(view: PageView) -> Child:
    rows = _rows(view)
    highest = upper_bound(
        [value for row in rows for value in (row.p95, row.first_item_p95) if value is not None]
    )
    heads = ["Model", "Calls", "p50", "p95", "First token p50", "First token p95"]
    models = table(
        "Latency by model",
        heads,
        ((_pictured(view, row, highest), *_cells(view, row)) for row in rows),
        numbers=5,
        wide=True,
    )
    legend = tag(
        "ul",
        tag("li", "Whole call, p50 to p95", class_="c1"),
        tag("li", "First token", class_="c2"),
        class_="legend",
    )
    return tag(
        "div",
        tag("div", tag("h3", "By model"), legend, models),
        tag("div", tag("h3", "Over time"), _over_time(view)),
        class_="halves",
    )


def _pictured(view: PageView, row: LatencyRow, highest: float) -> Html:
    name = tag(
        "a",
        shown_label(row.model, "no model"),
        href=view.filtered(model=row.model),
        class_="name",
        title=row.model or None,  # the style may cut it off
    )
    whole = f"Whole call: {shown_seconds(row.p50)} to {shown_seconds(row.p95)}"
    first = f"First token: {shown_seconds(row.first_item_p50)} to {shown_seconds(row.first_item_p95)}"
    return tag(
        "span",
        name,
        range_bar(row.p50, row.p95, highest, "c1", whole),
        range_bar(row.first_item_p50, row.first_item_p95, highest, "c2", first) if row.streams else None,
        class_="barred",
    )


def _cells(view: PageView, row: LatencyRow) -> list[Html]:
    times = (row.p50, row.p95, row.first_item_p50, row.first_item_p95)
    return [
        number_figure(row.calls, view.calls({"model": row.model})),
        *(seconds_figure(each) for each in times),
    ]


def _over_time(view: PageView) -> Html:
    report = view.report
    rows = [(point.start, _row("", point.sums)) for point in report.points]
    total = _row("", report.totals)
    series = [
        Series("p95", "c1", [row.p95 for _, row in rows]),
        Series("p50", "c3", [row.p50 for _, row in rows]),
        Series("First token p50", "c2", [row.first_item_p50 for _, row in rows]),
    ]
    about = (
        f"Half of the calls ended within {shown_seconds(total.p50)}, 95 % within {shown_seconds(total.p95)}."
    )
    times = view.times()
    cells = (
        (
            shown_moment(start, step=report.step),
            number_figure(row.calls, link),
            *(seconds_figure(each) for each in (row.p50, row.p95, row.first_item_p50, row.first_item_p95)),
        )
        for (start, row), link in zip(rows, times.links, strict=True)
    )
    heads = ["From", "Calls", "p50", "p95", "First token p50", "First token p95"]
    listed = table("Latency over time", heads, cells, numbers=5, wide=True)
    return joined(
        lines(Caption("latency-plot", "Latency over time", about), times, series, shown_seconds),
        details("latency-table", "As a table", listed),
    )


SECTION = Section(
    "latency",
    "Latency",
    "Seconds from the beginning of a call to its end, retries included, and to the first token of a stream",
    'controls={"dashboard": True, "statistics": True}',
    LatencyRow,
    _rows,
    _body,
    wide=True,
    of_calls=True,
)
