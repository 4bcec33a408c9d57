"""A picture of quantities over time that do not add up: a line for each, with gaps where nothing is known."""

from collections.abc import Callable, Sequence
from itertools import groupby

from ..markup import Html, tag
from .frame import HEIGHT, WIDTH, Caption, Series, Times, framed
from .scale import part, upper_bound


def lines(
    caption: Caption,
    times: Times,
    series: Sequence[Series],
    shown: Callable[[float], str],
    *,
    least: float = 0.0,
) -> Html:
    """Return the picture.

    Args:
        caption: What it says of itself.
        times: The points of time.
        series: The quantities.
        shown: Writes a value.
        least: The least value at its upper end.
    """
    highest = upper_bound([value for each in series for value in each.values if value is not None], least)
    shapes = [
        tag(
            "path",
            d=_path(each.values, highest),
            class_=f"line {each.colour}",
            vector_effect="non-scaling-stroke",
        )
        for each in series
    ]
    return framed(caption, times, shapes, series=series, highest=highest, shown=shown)


def _path(values: Sequence[float | None], highest: float) -> str:
    """Return the path through values; a value without neighbours is a short line."""
    drawn: list[str] = []
    for is_known, run in groupby(enumerate(values), key=lambda point: point[1] is not None):
        if not is_known:
            continue
        points = [
            (at * WIDTH + WIDTH / 2, part(highest - (value or 0.0), highest, HEIGHT)) for at, value in run
        ]
        if len(points) == 1:
            (x, y) = points[0]
            points = [(x - WIDTH / 3, y), (x + WIDTH / 3, y)]
        drawn.append("M" + "L".join(f"{x:g} {y}" for x, y in points))
    return "".join(drawn)
