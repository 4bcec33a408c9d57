"""Small pictures that lie in the row of a table, which has their figures: bars and ranges."""

from collections.abc import Iterable
from typing import NamedTuple

from ..markup import Html, tag
from .scale import part

_HEIGHT = 10
_LEAST = 0.4
"""Percent that anything above zero takes at least, so that it is seen."""


class Slice(NamedTuple):
    """A part of a bar.

    Attributes:
        value: How much it is.
        colour: The class of its colour.
        title: What a pointer over it says.
    """

    value: float
    colour: str
    title: str = ""


def bar(slices: Iterable[Slice], whole: float, *, mark: float | None = None) -> Html:
    """Return a bar of slices, one after the other; what exceeds *whole* is cut off.

    Args:
        slices: The slices.
        whole: The value of the whole length.
        mark: A value at which a line crosses it.
    """
    shapes: list[Html] = []
    left = 0.0
    for each in slices:
        share = (
            min(100.0 - left, max(100 * each.value / whole, _LEAST)) if each.value > 0 and whole > 0 else 0.0
        )
        if share > 0:
            title = tag("title", each.title) if each.title else None
            shapes.append(
                tag(
                    "rect",
                    title,
                    x=_percent(left),
                    width=_percent(share),
                    height="100%",
                    class_=f"fill {each.colour}",
                )
            )
            left += share
    if mark is not None and 0 < mark < whole:
        at = f"{part(mark, whole)}%"
        shapes.append(tag("line", x1=at, x2=at, y1=0, y2="100%", class_="mark"))
    return tag("svg", shapes, class_="bar", height=_HEIGHT, aria_hidden="true")


def range_bar(low: float | None, high: float | None, whole: float, colour: str, title: str) -> Html:
    """Return a bar from a low to a high value, thin up to the low one."""
    if low is None or high is None or not whole:
        return tag("svg", class_="bar range", height=_HEIGHT, aria_hidden="true")
    begin, width = 100 * low / whole, max(_LEAST, 100 * (high - low) / whole)
    return tag(
        "svg",
        tag("title", title),
        tag("rect", x=0, y="40%", width=_percent(begin), height="20%", class_=f"fill faint {colour}"),
        tag("rect", x=_percent(begin), width=_percent(width), height="100%", class_=f"fill {colour}"),
        class_="bar range",
        height=_HEIGHT,
        aria_hidden="true",
    )


def _percent(value: float) -> str:
    return f"{part(value, 100)}%"
