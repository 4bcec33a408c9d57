"""The section about the cost of calls over time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...operations.export import usd
from ..filters import RANGES
from ..markup import Child, tag
from ..plots.columns import columns
from ..plots.frame import Caption, Series
from ..shown import shown_count, shown_moment, shown_usd
from ..tables import details, number_figure, table, usd_figure
from .view import PageView, Section

_NANO = 10**9


@dataclass(frozen=True, slots=True)
class SpendRow:
    """The cost of the calls of a point of time.

    Attributes:
        start: Where it begins, in UTC.
        nano_usd: Their known cost in 10^-9 USD; `None` where none is known.
        calls: How many ended.
        unpriced: Attempts whose cost is not known.
    """

    start: datetime
    nano_usd: int | None
    calls: int
    unpriced: int


def _rows(view: PageView) -> list[SpendRow]:
    return [
        SpendRow(point.start, point.sums.nano_usd, point.sums.calls, point.sums.unpriced)
        for point in view.report.points
    ]


def _totals(view: PageView) -> dict[str, Any]:
    sums = view.report.totals
    known = None if sums.nano_usd is None else usd(sums.nano_usd)
    return {"usd": known, "calls": sums.calls, "unpriced": sums.unpriced}


def _body(view: PageView) -> Child:
    report = view.report
    sums = report.totals
    rows = _rows(view)
    highest = max(rows, key=lambda row: row.nano_usd or 0, default=None)
    about = f"{shown_usd(sums.nano_usd)} in all."
    if highest is not None and highest.nano_usd:
        about += f" Most, {shown_usd(highest.nano_usd)}, from {highest.start:%-d %b %H:%M} UTC on."
    values = [None if row.nano_usd is None else row.nano_usd / _NANO for row in rows]
    return [
        tag(
            "p",
            usd_figure(sums.nano_usd, view.calls()),
            tag("small", f" in the last {RANGES[view.filters.range][0].removeprefix('Last ')}"),
            class_="headline",
        ),
        _unknown(sums.nano_usd, sums.unpriced),
        columns(
            Caption("spend-plot", "Spend over time", about),
            view.times(),
            [Series("Spend", "c1", values)],
            lambda value: shown_usd(round(value * _NANO)),
        ),
        details(
            "spend-table",
            "As a table",
            table(
                "Spend over time",
                ["From", "Spend", "Calls", "Without a price"],
                [
                    (
                        shown_moment(row.start, step=report.step),
                        usd_figure(row.nano_usd),
                        number_figure(
                            row.calls,
                            view.calls({}, row.start, row.start + report.step),
                        ),
                        number_figure(row.unpriced),
                    )
                    for row in rows
                ],
                numbers=3,
            ),
        ),
    ]


def _unknown(nano_usd: int | None, unpriced: int) -> Child:
    if not unpriced:
        return None
    if nano_usd is None:
        how = tag("code", 'controls={"prices": {"MODEL": {"input": 0.75, "output": 4.5}}}')
        extra = tag("code", "ai-client[prices]")
        told = ("No price of these calls is known: name it in ", how, ", or install ", extra)
        return tag("p", told, ", which knows those of public APIs.", class_="note warn")
    attempts = shown_count(unpriced, "billed attempt has", "billed attempts have")
    return tag(
        "p",
        f"{attempts} no known price and {'is' if unpriced == 1 else 'are'} not in it.",
        class_="note warn",
    )


SECTION = Section(
    "spend",
    "Spend",
    "What calls cost at known prices",
    'controls={"dashboard": True, "statistics": True}',
    SpendRow,
    _rows,
    _body,
    totals=_totals,
    of_calls=True,
)
