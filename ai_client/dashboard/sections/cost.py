"""The section about the cost of endpoints, models and tenants."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...operations.statistics import CallSums
from ..markup import Child, Html, tag
from ..plots.bars import Slice, bar
from ..shown import shown_label, shown_share
from ..tables import details, figure, number_figure, table, usd_figure
from .view import PageView, Section

_FIRST = 6
_HEADINGS = {"endpoint": "Endpoints", "model": "Models", "tenant": "Tenants"}


@dataclass(frozen=True, slots=True)
class CostShareRow:
    """The cost of the calls of an endpoint, a model or a tenant.

    Attributes:
        by: `endpoint`, `model` or `tenant`.
        name: Which one; empty for calls without any.
        nano_usd: Their known cost in 10^-9 USD; `None` where none is known.
        unpriced: Attempts whose cost is not known.
        calls: How many ended.
        errors: How many of them failed.
        input_tokens: The tokens that went in.
        output_tokens: The tokens that came out.
    """

    by: str
    name: str
    nano_usd: int | None
    unpriced: int
    calls: int
    errors: int
    input_tokens: int
    output_tokens: int


def _rows(view: PageView) -> list[CostShareRow]:
    report = view.report
    return [
        row
        for by, sums in (("endpoint", report.endpoints), ("model", report.models), ("tenant", report.tenants))
        for row in _by(by, sums)
    ]


def _by(by: str, of: Mapping[str, CallSums]) -> list[CostShareRow]:
    """Return the rows of a label, the most expensive first."""
    rows = [
        CostShareRow(
            by,
            name,
            sums.nano_usd,
            sums.unpriced,
            sums.calls,
            sums.errors,
            sums.input_tokens,
            sums.output_tokens,
        )
        for name, sums in of.items()
    ]
    return sorted(rows, key=lambda row: (-(row.nano_usd or 0), -row.calls, row.name))


def _body(view: PageView) -> Child:
    rows = _rows(view)
    parts = ((by, [row for row in rows if row.by == by]) for by in _HEADINGS)
    return tag("div", (_part(view, by, found) for by, found in parts), class_="parts")


def _part(view: PageView, by: str, rows: list[CostShareRow]) -> Html:
    whole = max((row.nano_usd or 0 for row in rows), default=0)
    most_calls = max((row.calls for row in rows), default=0)

    def measured(row: CostShareRow) -> Html:
        return (
            bar([Slice(row.nano_usd or 0, "c1")], whole)
            if whole
            else bar([Slice(row.calls, "c1")], most_calls)
        )

    first = table(
        f"Cost by {by}",
        [_HEADINGS[by][:-1], "Spend", "Calls", "Errors"],
        (
            (tag("span", _name(view, row), measured(row), class_="barred"), *_cells(view, row))
            for row in rows[:_FIRST]
        ),
        numbers=3,
    )
    everything = None
    if len(rows) > _FIRST:
        heads = [_HEADINGS[by][:-1], "Spend", "Calls", "Errors", "Tokens in", "Tokens out"]
        cells = ((_name(view, row), *_cells(view, row), *_tokens(row)) for row in rows)
        everything = details(
            f"cost-{by}",
            f"All {len(rows)} {_HEADINGS[by].lower()}",
            table(f"Cost by {by}, all", heads, cells, numbers=5, wide=True),
        )
    return tag("div", tag("h3", _HEADINGS[by], class_="unseen"), first, everything)


def _name(view: PageView, row: CostShareRow) -> Html:
    return tag(
        "a",
        shown_label(row.name, f"no {row.by}"),
        href=view.filtered(**{row.by: row.name}),
        class_="name",
        title=row.name or None,  # the style may cut it off
    )


def _cells(view: PageView, row: CostShareRow) -> tuple[Html, ...]:
    calls = view.calls({row.by: row.name})
    failed = view.calls({row.by: row.name, "outcome": "error"}) if row.errors else None
    return (
        usd_figure(row.nano_usd, calls),
        number_figure(row.calls, calls),
        figure(row.errors, shown_share(row.errors, row.calls), failed),
    )


def _tokens(row: CostShareRow) -> tuple[Html, ...]:
    return tuple(number_figure(count) for count in (row.input_tokens, row.output_tokens))


SECTION = Section(
    "cost",
    "Cost",
    "Who spends it: the most expensive first",
    'controls={"dashboard": True, "statistics": True}',
    CostShareRow,
    _rows,
    _body,
    wide=True,
    of_calls=True,
)
