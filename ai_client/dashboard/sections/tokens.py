"""The section about the tokens of calls over time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...operations.statistics import CallSums
from ..markup import Child, tag
from ..plots.columns import columns
from ..plots.frame import Caption, Series
from ..shown import shown_moment, shown_number, shown_share
from ..tables import details, number_figure, table
from .view import PageView, Section

_LEAST = 20.0
"""Tokens at the upper end of the picture, at least: from here on, half of each such bound is a whole number."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """The section about the tokens of the calls of a point of time.

    Attributes:
        start: Where it begins, in UTC.
        input_tokens: All that went in.
        cached_tokens: Those of them that the provider read from its cache.
        output_tokens: All that came out.
        reasoning_tokens: Those of them that were spent on reasoning.
    """

    start: datetime
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int


def _rows(view: PageView) -> list[TokenRow]:
    return [TokenRow(point.start, *_tokens(point.sums)) for point in view.report.points]


def _tokens(sums: CallSums) -> tuple[int, int, int, int]:
    return sums.input_tokens, sums.cached_tokens, sums.output_tokens, sums.reasoning_tokens


def _totals(view: PageView) -> dict[str, Any]:
    names = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
    return dict(zip(names, _tokens(view.report.totals), strict=True))


def _body(view: PageView) -> Child:
    report = view.report
    rows = _rows(view)
    went_in, cached, came_out, reasoning = _tokens(report.totals)
    series = [
        Series("Input", "c1", [row.input_tokens - row.cached_tokens for row in rows]),
        Series("Input read from the provider's cache", "c4", [row.cached_tokens for row in rows]),
        Series("Output", "c2", [row.output_tokens - row.reasoning_tokens for row in rows]),
        Series("Reasoning", "c5", [row.reasoning_tokens for row in rows]),
    ]
    about = f"{shown_number(went_in)} tokens in, {shown_number(came_out)} out."
    times = view.times()
    cells = (
        (
            shown_moment(row.start, step=report.step),
            number_figure(row.input_tokens, link),
            number_figure(row.cached_tokens),
            number_figure(row.output_tokens, link),
            number_figure(row.reasoning_tokens),
        )
        for row, link in zip(rows, times.links, strict=True)
    )
    listed = table(
        "Tokens over time",
        ["From", "In", "of it cached", "Out", "of it reasoning"],
        cells,
        numbers=4,
        wide=True,
    )
    shares = f", {shown_share(cached, went_in)} of it cached; " if cached else " and "
    thought = f", {shown_share(reasoning, came_out)} of it reasoning" if reasoning else ""
    return [
        tag(
            "p",
            tag("b", number_figure(went_in + came_out)),
            tag(
                "small",
                " token: " if went_in + came_out == 1 else " tokens: ",
                number_figure(went_in),
                f" in{shares}",
                number_figure(came_out),
                f" out{thought}",
            ),
            class_="headline",
        ),
        columns(Caption("tokens-plot", "Tokens over time", about), times, series, shown_number, least=_LEAST),
        details("tokens-table", "As a table", listed),
    ]


SECTION = Section(
    "tokens",
    "Tokens",
    "What went in and came out, as the API reported it or as it is estimated",
    'controls={"dashboard": True, "statistics": True}',
    TokenRow,
    _rows,
    _body,
    totals=_totals,
    of_calls=True,
)
