"""A picture of quantities over time that add up: a column for each point of time."""

from collections.abc import Callable, Sequence

from ..markup import Html, tag
from .frame import HEIGHT, WIDTH, Caption, Series, Times, framed
from .scale import part, upper_bound

_GAP = 1.5


def columns(
    caption: Caption,
    times: Times,
    series: Sequence[Series],
    shown: Callable[[float], str],
    *,
    least: float = 0.0,
) -> Html:
    """Return the picture: in each column the first of the series is at the bottom.

    Args:
        caption: What it says of itself.
        times: The points of time.
        series: The quantities; one that is not known counts as none.
        shown: Writes a value.
        least: The least value at its upper end.
    """
    sums = [sum(each.values[at] or 0 for each in series) for at in range(len(times.starts))]
    highest = upper_bound(sums, least)
    shapes: list[Html] = []
    below = [0.0] * len(sums)
    for each in series:
        drawn: list[str] = []
        for at, value in enumerate(each.values):
            if value:
                top = below[at] + value
                drawn.append(_box(at, below[at], top, highest))
                below[at] = top
        if drawn:
            shapes.append(tag("path", d="".join(drawn), class_=f"fill {each.colour}"))
    return framed(caption, times, shapes, series=series, highest=highest, shown=shown)


def _box(at: int, bottom: float, top: float, highest: float) -> str:
    left, right = at * WIDTH + _GAP / 2, (at + 1) * WIDTH - _GAP / 2
    low, high = part(highest - bottom, highest, HEIGHT), part(highest - top, highest, HEIGHT)
    return f"M{left:g} {low}V{high}H{right:g}V{low}Z"
