"""The section about requests that were sent upstream, and how many of them another one followed."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ..markup import Child, tag
from ..plots.bars import Slice, bar
from ..shown import shown_share
from ..tables import number_figure, table
from .view import PageView, Section

_GOOD = "ok"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """The section about requests that ended in one way.

    Attributes:
        result: `ok`, the status that rejected them, the class of another error, or `cancelled`.
        attempts: How many.
    """

    result: str
    attempts: int


def _rows(view: PageView) -> list[AttemptRow]:
    return [AttemptRow(*each) for each in Counter(view.report.totals.attempts).most_common()]


def _totals(view: PageView) -> dict[str, Any]:
    sums = view.report.totals
    return {"attempts": sum(sums.attempts.values()), "retries": sums.retries}


def _body(view: PageView) -> Child:
    rows = _rows(view)
    sums = view.report.totals
    whole = sum(row.attempts for row in rows)
    cells = (
        (
            tag("span", tag("span", row.result, class_="name"), _bar(row, whole), class_="barred"),
            number_figure(row.attempts),
            shown_share(row.attempts, whole),
        )
        for row in rows
    )
    about = (
        f" {'retry' if sums.retries == 1 else 'retries'}, {shown_share(sums.retries, whole)} of requests sent"
    )
    return [
        tag(
            "p",
            tag("b", number_figure(sums.retries)),
            tag("small", about),
            class_="headline",
        ),
        table("Requests sent, by result", ["Result", "Requests", "Share"], cells, numbers=2),
    ]


def _bar(row: AttemptRow, whole: int) -> Child:
    return bar([Slice(row.attempts, "good" if row.result == _GOOD else "e1")], whole)


SECTION = Section(
    "retries",
    "Retries",
    "Requests sent upstream by result; some calls need several",
    'controls={"dashboard": True, "statistics": True}',
    AttemptRow,
    _rows,
    _body,
    totals=_totals,
    of_calls=True,
)
