"""Tables, and figures in them: each has its exact value for programs beside what people read."""

from collections.abc import Iterable, Sequence

from ..operations.export import json_of, usd
from .markup import Child, Html, tag
from .shown import shown_count, shown_number, shown_seconds, shown_usd

MOST = 200
"""Rows that a table shows; all of them are in the CSV."""


def figure(value: float | str | None, shown: Child, address: str | None = None) -> Html:
    """Return a figure.

    Args:
        value: Its exact value.
        shown: What people read.
        address: The page behind it.
    """
    content = tag("data", shown, value="" if value is None else value)
    return tag("a", content, href=address) if address else content


def usd_figure(nano_usd: int | None, address: str | None = None) -> Html:
    """Return an amount in 10^-9 USD as a figure, whose exact value is in USD."""
    return figure(None if nano_usd is None else json_of(usd(nano_usd)), shown_usd(nano_usd), address)


def number_figure(number: float, address: str | None = None) -> Html:
    """Return a number as a figure."""
    return figure(number, shown_number(number), address)


def seconds_figure(seconds: float | None, address: str | None = None) -> Html:
    """Return a duration as a figure, whose exact value is in seconds."""
    return figure(seconds, shown_seconds(seconds), address)


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[Child]],
    *,
    numbers: int = 0,
    wide: bool = False,
) -> Html:
    """Return a table whose first column names its rows.

    Args:
        caption: What it shows, for those who cannot see where it stands.
        heads: The names of its columns.
        rows: Its rows.
        numbers: How many of the last columns hold numbers.
        wide: Whether it may be wider than its place, so that it can be moved within it, by keyboard too.
    """
    first_number = len(heads) - numbers
    classes = ["n" if at >= first_number else None for at in range(len(heads))]
    found = list(rows)
    body = [
        tag(
            "tr",
            (
                tag("td" if at else "th", cell, class_=kind, scope=None if at else "row")
                for at, (cell, kind) in enumerate(zip(row, classes, strict=True))
            ),
        )
        for row in found[:MOST]
    ]
    left_out = len(found) - MOST
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            tag(
                "thead",
                tag(
                    "tr",
                    (
                        tag("th", head, class_=kind, scope="col")
                        for head, kind in zip(heads, classes, strict=True)
                    ),
                ),
            ),
            tag("tbody", body),
        ),
        tag("p", f"{shown_count(left_out, 'more row is', 'more rows are')} in the CSV.", class_="quiet")
        if left_out > 0
        else None,
        class_="table",
        role="region" if wide else None,
        aria_label=f"Table: {caption}" if wide else None,
        tabindex="0" if wide else None,
    )


def details(key: str, summary: str, *content: Child) -> Html:
    """Return content that is shown on demand; the script keeps it open by its key."""
    return tag("details", tag("summary", summary, id=f"{key}-summary"), content, id=key)


def badge(text: str, kind: str) -> Html:
    """Return a word that stands out: `good`, `warn`, `bad` or `plain`."""
    return tag("span", text, class_=f"badge {kind}")
