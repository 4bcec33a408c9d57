"""Performance targets and whether they are met: ratios of two contenders' figures, round by round."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import dashboard, instructions, interop, measure

SIGNS = {"share": ("≤", ""), "times cheaper": ("≥", " x"), "us": ("≤", " µs"), "instructions": ("≤", "")}
"""Sign and unit of the targets on each scale."""
LARGE = 100
"""From here on figures are shown without decimals."""


@dataclass(frozen=True)
class Bar:
    """A target for one contender's figure, relative to another's.

    Attributes:
        case: The case whose figures count.
        bound: The highest ratio to the other's figure; with `times`, the lowest ratio of the other's figure to
            this one;
            without another contender, the highest figure itself.
        aim: A stricter target on the same scale.
        against: The other contender, or empty.
        subject: The contender that must reach the target.
        times: Whether the ratio counts how many times cheaper the subject is.
        less: A contender whose figure is subtracted from the subject's first: the rest must reach the target.
        unit: The unit of a figure that is compared with no other contender's.
    """

    case: str
    bound: float
    aim: float | None = None
    against: str = "official"
    subject: str = "ours"
    times: bool = False
    less: str = ""
    unit: str = "us"


def all_bars() -> Iterator[Bar]:
    """Yield the targets in the order of the tables."""
    yield Bar("small call, loopback, 50 in flight", 0.6, 0.45, "aiohttp")
    yield Bar("small call, loopback, 1 in flight", 0.65, 0.5, "aiohttp")
    yield Bar("small call, loopback, 200 in flight", 0.5, 0.4, "aiohttp")
    yield Bar("small call, loopback, 1000 in flight", 0.55, 0.4, "aiohttp")
    yield Bar("small call, real heads, chunked, loopback, 50 in flight", 0.65, 0.5, "aiohttp")
    yield Bar("small call, gzip, loopback, 50 in flight", 0.5, 0.4, "aiohttp")
    yield Bar("small call, loopback, sync, 1 in flight", 0.25, 0.2, "httpx")
    yield Bar("small call, loopback, sync, 1 in flight", 0.12, 0.08)
    for packets in ("25 events a packet", "one event a packet"):
        yield Bar(f"chat event, loopback, {packets}", 0.85, 0.7, "aiohttp")
        yield Bar(f"Responses event, loopback, {packets}", 0.65, 0.5, "aiohttp")
    for count in (1, 50):
        case = f"controls, loopback, {count} in flight"
        yield Bar(case, 0.9, 0.7, "aiohttp", "all on")
        yield Bar(case, 0.5, None, "aiohttp", "all on", less="all off")
        yield Bar(case, 1.3, 1.15, "all off", "logs only")
        yield Bar(case, 1.1, 1.05, "all off", "deadline on")
        yield Bar(
            case, 0.15, None, "aiohttp", "recording on", less="all off"
        )  # 30 us where aiohttp takes 200
    for count in interop.IN_FLIGHT:
        yield Bar(interop.name(count), 1.0, 0.8, subject=interop.OVER_OURS)
    yield Bar(interop.SYNC, 1.0, 0.8, subject=interop.OVER_OURS)
    yield Bar("embeddings 256 x 1536 in base64, packed", 8, 12, times=True)
    yield Bar("embeddings 256 x 1536 in base64, to lists", 2, 2.2, times=True)
    yield Bar("resident memory after a first call", 0.6, 0.55)
    yield Bar("import, client and first call", 1.9, None, "httpx + pydantic")
    for call in ("chat", "streamed chat", "Responses"):
        yield Bar(f"longest step of the event loop in a first call, {call}", 5000, None, "")
    for store in dashboard.STORES:
        for view in dashboard.VIEWS:
            yield Bar(dashboard.name(store), dashboard.BOUND, None, "", view)
    yield Bar(instructions.NAME, 260_000, 230_000, "", unit="instructions")


def judge(cases: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare the measured cases with their targets; a target whose contenders were not measured has no verdict."""
    measured = [(bar, cases[bar.case]["contenders"]) for bar in all_bars() if bar.case in cases]
    return [verdict(bar, them) for bar, them in measured if _needed(bar) <= them.keys()]


def unmeasured(cases: Mapping[str, Any]) -> list[str]:
    """Name the targets of which contenders were not measured."""
    return [
        f"{bar.case}: {', '.join(sorted(lost))}"
        for bar in all_bars()
        if (lost := _needed(bar) - cases.get(bar.case, {"contenders": {}})["contenders"].keys())
    ]


def _needed(bar: Bar) -> set[str]:
    return {bar.subject, bar.against, bar.less} - {""}


def quartiles(figures: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile of the ratios of *figures* to *others*, round by round."""
    return measure.quartiles([figure / other for figure, other in zip(figures, others, strict=True)])


def verdict(bar: Bar, contenders: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the figures of a case's contenders with a target."""
    mine = contenders[bar.subject]["rounds"]
    if bar.less:
        mine = [on - off for on, off in zip(mine, contenders[bar.less]["rounds"], strict=True)]
    others = contenders[bar.against]["rounds"] if bar.against else [1.0] * len(mine)
    low, median, high = quartiles(others, mine) if bar.times else quartiles(mine, others)
    reaches: Callable[[float, float], bool] = operator.ge if bar.times else operator.le
    return {
        "case": bar.case,
        "subject": f"{bar.subject} - {bar.less}" if bar.less else bar.subject,
        "against": bar.against,
        "scale": "times cheaper" if bar.times else "share" if bar.against else bar.unit,
        "median": round(median, 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "bound": bar.bound,
        "reached": reaches(median, bar.bound),
        "aim": bar.aim,
        "aim_reached": bar.aim is not None and reaches(median, bar.aim),
    }


def compared(judged: Mapping[str, Any]) -> str:
    """Return which contender's figure was divided by which."""
    if not judged["against"]:
        return str(judged["subject"])
    pair = [judged["subject"], judged["against"]]
    return " / ".join(reversed(pair) if judged["scale"] == "times cheaper" else pair)


def shown(figure: float) -> str:
    """Return a figure with the decimals that say something."""
    return f"{figure:,.0f}" if figure >= LARGE else f"{figure:.2f}"


def show(judged: Sequence[Mapping[str, Any]]) -> None:
    """Print the figures next to the targets."""
    print(f"\n{'':66}{'':32}{'median':>12}{'quartiles':>22}{'bar':>12}{'aim':>8}")
    for bar in judged:
        sign, unit = SIGNS[bar["scale"]]
        spread = f"{shown(bar['low'])} .. {shown(bar['high'])}"
        bound = f"{sign} {bar['bound']:g}"
        aim = "" if bar["aim"] is None else f"{bar['aim']:g}"
        said = "aim reached" if bar["aim_reached"] else "reached" if bar["reached"] else "NOT REACHED"
        figure = f"{shown(bar['median'])}{unit}"
        print(f"{bar['case']:66}{compared(bar):32}{figure:>12}{spread:>22}{bound:>12}{aim:>8}  {said}")
    print(f"{sum(bar['reached'] for bar in judged)} of {len(judged)} bars are reached.")
