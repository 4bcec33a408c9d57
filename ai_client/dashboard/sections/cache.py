"""The section about the savings of the cache."""

from dataclasses import dataclass
from typing import Any

from ...operations.export import usd
from ..markup import Child, Html, tag
from ..plots.bars import Slice, bar
from ..shown import shown_number, shown_share
from ..tables import number_figure, table, usd_figure
from .view import PageView, Section

_RESULTS = {
    "hit": ("Answered from the cache", "good"),
    "shared": ("Shared with a call under way", "c2"),
    "stale": ("Old answer, as the API failed", "warn"),
    "miss": ("Asked of the API", "rest"),
}


@dataclass(frozen=True, slots=True)
class CacheRow:
    """Answered calls for which the cache did one thing.

    Attributes:
        result: `hit`, `shared`, `stale` or `miss`.
        calls: How many.
    """

    result: str
    calls: int


def _rows(view: PageView) -> list[CacheRow]:
    found = view.report.totals.cache
    return [CacheRow(result, found.get(result, 0)) for result in dict.fromkeys([*_RESULTS, *found])]


def _totals(view: PageView) -> dict[str, Any]:
    sums = view.report.totals
    return {"saved_usd": usd(sums.saved_nano_usd), "saved_tokens": sums.saved_tokens}


def _body(view: PageView) -> Child:
    sums = view.report.totals
    rows = _rows(view)
    whole = sum(row.calls for row in rows)
    if not whole:
        return _nothing(view)
    saved = whole - sum(row.calls for row in rows if row.result == "miss")
    slices = [
        Slice(row.calls, _shown(row)[1], f"{_shown(row)[0]}: {shown_number(row.calls)}") for row in rows
    ]
    cells = (
        (
            tag("span", _shown(row)[0], class_=f"key {_shown(row)[1]}"),
            number_figure(row.calls, view.calls({"cache": row.result})),
            shown_share(row.calls, whole),
        )
        for row in rows
        if row.calls
    )
    return [
        tag(
            "p",
            tag("b", usd_figure(sums.saved_nano_usd)),
            tag(
                "small",
                " and ",
                number_figure(sums.saved_tokens),
                f" {'token' if sums.saved_tokens == 1 else 'tokens'} saved;"
                f" {shown_share(saved, whole)} of those looked up were not sent",
            ),
            class_="headline",
        ),
        bar(slices, whole),
        table("Calls by what the cache did", ["Cache", "Calls", "Share"], cells, numbers=2),
    ]


def _nothing(view: PageView) -> Html:
    """Return why no call was looked up."""
    if not view.gathered.has_cache:
        how = tag("code", 'controls={"cache": {"scope": "tenant"}}')
        return tag("p", "There is no cache: ", how, " turns it on.", class_="note off")
    fixed, everything = tag("code", "temperature=0"), tag("code", '"everything": True')
    return tag(
        "p",
        "No call in this time was looked up in the cache. It serves embeddings, moderations, and texts with ",
        fixed,
        " or a seed; other texts with ",
        everything,
        ". A call without the label of its scope, such as a tenant, is not looked up.",
        class_="quiet",
    )


def _shown(row: CacheRow) -> tuple[str, str]:
    return _RESULTS.get(row.result, (row.result, "rest"))


SECTION = Section(
    "cache",
    "Cache",
    "What answers from the cache would have cost",
    'controls={"dashboard": True, "statistics": True}',
    CacheRow,
    _rows,
    _body,
    totals=_totals,
    of_calls=True,
)
