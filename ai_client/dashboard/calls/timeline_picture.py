"""The time line of a call as a picture, with what it shows as a table."""

import math
from collections.abc import Iterator, Sequence

from ..markup import Child, Html, tag
from ..shown import shown_share
from ..tables import details, table
from .facts import shown_span
from .timeline import PHASE_NAMES, Lane, PhaseKind, TimeLine

_LANE = 40
"""Pixels of a row: a line of text above a bar."""
_BAR = 14
_TOP = 22
"""Pixels above the rows, for the marks of single moments."""
_AXIS = 26
_MOST_LANES = 24
_LONGEST_NAME = 90
_MOST_TICKS = 5
_NEAR = 8.0
"""Percent of the width near an edge, where a text begins or ends at its moment."""


def time_line_figure(line: TimeLine, of: str = "call", since: str | None = None) -> Html:
    """Return the time line as a picture with a legend, and as a table.

    Args:
        line: The time line.
        of: Of what it is.
        since: From the beginning of what its time counts, where that is something else.
    """
    if not line.seconds:
        return tag("p", "No time was measured.")
    caption = f"Time from the beginning of the {since or of}"
    return tag(
        "figure",
        tag("figcaption", caption, class_="quiet"),
        _picture(line, of),
        _legend(line),
        details(f"{of.replace(' ', '-')}-times", "The times as a table", _table(line, of)),
        class_="time-line",
    )


def _picture(line: TimeLine, of: str) -> Html:
    lanes = _shown(line.lanes)
    bottom = _TOP + _LANE * len(lanes)
    return tag(
        "svg",
        list(_axis(line, bottom)),
        [_lane(lane, _TOP + _LANE * at, line.seconds) for at, lane in enumerate(lanes)],
        list(_marks(line, bottom)),
        role="img",
        aria_label=f"Time line of the {of}; the table below says the same.",
        width="100%",
        height=bottom + _AXIS,
    )


def _shown(lanes: tuple[Lane, ...]) -> list[Lane]:
    """Return the rows of the picture: of many the first and the last."""
    if len(lanes) <= _MOST_LANES:
        return list(lanes)
    half = _MOST_LANES // 2
    left_out = Lane(f"{len(lanes) - 2 * half} more, which the table lists", "", False, ())
    return [*lanes[:half], left_out, *lanes[-half:]]


def _lane(lane: Lane, top: int, whole: float) -> Html:
    text = f"{lane.name} {lane.note}".strip()
    name = text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}\u2026"
    bars = [
        tag(
            "rect",
            tag("title", f"{PHASE_NAMES[phase.kind]}: {shown_span(phase.seconds)}"),
            x=_percent(phase.begin, whole),
            y=top + 20,
            width=_percent(max(phase.seconds, whole / 500), whole),
            height=_BAR,
            class_=f"phase phase-{phase.kind}",
        )
        for phase in lane.phases
    ]
    return tag("g", tag("text", name, x=0, y=top + 14, class_="failed" if lane.failed else None), bars)


def _marks(line: TimeLine, bottom: int) -> Iterator[Html]:
    """Yield the single moments: the first token and the end."""
    if line.first_item is not None:
        yield from _mark(f"First token {shown_span(line.first_item)}", line.first_item, line, bottom)
    elif line.end < line.seconds:
        yield from _mark(f"End {shown_span(line.end)}", line.end, line, bottom)


def _mark(text: str, moment: float, line: TimeLine, bottom: int) -> Iterator[Html]:
    x = _percent(moment, line.seconds)
    yield tag("line", x1=x, x2=x, y1=_TOP - 6, y2=bottom, class_="moment")
    yield tag(
        "text", text, x=x, y=_TOP - 10, text_anchor=_anchor(100 * moment / line.seconds, 25), class_="moment"
    )


def _axis(line: TimeLine, bottom: int) -> Iterator[Child]:
    for moment in _ticks(line.seconds):
        x = _percent(moment, line.seconds)
        yield tag("line", x1=x, x2=x, y1=_TOP, y2=bottom + 5, class_="tick")
        anchor = _anchor(100 * moment / line.seconds, _NEAR)
        yield tag("text", shown_span(moment), x=x, y=bottom + 20, text_anchor=anchor, class_="tick")


def _ticks(seconds: float) -> list[float]:
    """Return round moments, at most so many that their names have room."""
    rough = seconds / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor >= rough)
    return [step * at for at in range(int(seconds / step) + 1)]


def _anchor(percent: float, near: float) -> str:
    return "start" if percent < near else "end" if percent > 100 - near else "middle"


def _percent(part: float, whole: float) -> str:
    return f"{min(100.0, 100 * part / whole):.3f}%"


def _legend(line: TimeLine) -> Html:
    """Return the name of each colour, with the time that it has in all."""
    sums: dict[PhaseKind, float] = {}
    for lane in line.lanes:
        for phase in lane.phases:
            sums[phase.kind] = sums.get(phase.kind, 0.0) + phase.seconds
    return tag(
        "ul",
        (
            tag("li", f"{name} ", tag("b", shown_span(sums[kind])), class_=f"key-{kind}")
            for kind, name in PHASE_NAMES.items()
            if kind in sums
        ),
        class_="legend",
    )


def _table(line: TimeLine, of: str) -> Html:
    rows: list[Sequence[Child]] = [
        (
            lane.name,
            PHASE_NAMES[phase.kind],
            shown_span(phase.begin),
            shown_span(phase.seconds),
            shown_share(phase.seconds, line.seconds),
        )
        for lane in line.lanes
        for phase in lane.phases
    ]
    ends = (("First token", line.first_item), ("End", line.end))
    rows += [(name, None, shown_span(moment), None, None) for name, moment in ends if moment is not None]
    heads = ("Row", "Phase", "From", "Duration", "Share")
    return table(f"Phases of the {of}", heads, rows, numbers=3, wide=True)
