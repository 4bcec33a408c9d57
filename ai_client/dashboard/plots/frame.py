"""The parts that pictures over time have in common: the axes with their labels, and the legend."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ..markup import Child, Html, tag
from ..shown import shown_moment

HEIGHT = 100
"""Height of a picture in its own units; it is stretched to its place."""
WIDTH = 10
"""Width of a point of time."""
_LINES = (0.0, 0.5, 1.0)


class Caption(NamedTuple):
    """The texts of a picture.

    Attributes:
        name: Distinguishes it on the page.
        title: What it shows.
        description: What can be seen in it, for those who cannot see it.
    """

    name: str
    title: str
    description: str


class Series(NamedTuple):
    """One of the quantities of a picture.

    Attributes:
        name: Its name in the legend.
        colour: The class of its colour, such as `c1`.
        values: Its value at each point of time; `None` where there is none.
    """

    name: str
    colour: str
    values: Sequence[float | None]


class Times(NamedTuple):
    """The points of time of a picture.

    Attributes:
        starts: Where each begins.
        step: How long each is.
        links: The page behind each.
    """

    starts: Sequence[datetime]
    step: timedelta
    links: Sequence[str]


def framed(
    caption: Caption,
    times: Times,
    shapes: Child,
    *,
    series: Sequence[Series],
    highest: float,
    shown: Callable[[float], str],
) -> Html:
    """Return a picture over time with its axes and legend.

    Args:
        caption: What it says of itself.
        times: The points of time.
        shapes: Its shapes, in a space of `WIDTH` for each point and `HEIGHT`.
        series: Its quantities.
        highest: The value at its upper end.
        shown: Writes a value.
    """
    name, width = caption.name, WIDTH * max(1, len(times.starts))
    lines = (tag("line", x1=0, x2=width, y1=HEIGHT * at, y2=HEIGHT * at, class_="grid") for at in _LINES)
    picture = tag(
        "svg",
        tag("title", caption.title, id=f"{name}-title"),
        tag("desc", caption.description, id=f"{name}-desc"),
        lines,
        shapes,
        _hits(times, series, shown),
        viewBox=f"0 0 {width} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
    legend = None
    if len(series) > 1:
        legend = tag("ul", (tag("li", each.name, class_=each.colour) for each in series), class_="legend")
    return tag(
        "figure",
        legend,
        tag(
            "div",
            tag(
                "div",
                (tag("span", shown(highest * (1 - at))) for at in _LINES),
                class_="values",
                aria_hidden="true",
            ),
            picture,
            tag("div", _moments(times), class_="times", aria_hidden="true"),
            class_="frame",
        ),
        class_="plot",
    )


def _moments(times: Times) -> list[Html]:
    """Return where the picture begins, its middle and its end."""
    if not times.starts:
        return []
    found = [times.starts[0], times.starts[len(times.starts) // 2], times.starts[-1]]
    return [shown_moment(each, step=times.step) for each in dict.fromkeys(found)]


def _hits(times: Times, series: Sequence[Series], shown: Callable[[float], str]) -> list[Html]:
    """Return an invisible area over each point of time that says its values; a click leads where the table does."""
    found: list[Html] = []
    for at, start in enumerate(times.starts):
        values = ((each.name, each.values[at]) for each in series)
        text = "\n".join(f"{name}: {shown(value)}" for name, value in values if value is not None)
        moment = f"{start:%-d %b}" if times.step >= timedelta(days=1) else f"{start:%-d %b %H:%M} UTC"
        title = tag("title", f"{moment}\n{text or 'No calls'}")
        box = tag("rect", title, x=at * WIDTH, y=0, width=WIDTH, height=HEIGHT, class_="hit")
        found.append(box)
    return found
