"""Performance targets and whether they are met: ratios of two contenders' figures, round by round."""

import operator
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SIGNS = {"share": ("≤", ""), "times cheaper": ("≥", " x"), "us": ("≤", " µs")}
"""Sign and unit of the targets on each scale."""


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
    """

    case: str
    bound: float
    aim: float | None = None
    against: str = "official"
    subject: str = "ours"
    times: bool = False


def all_bars() -> Iterator[Bar]:
    """Yield the targets in the order of the tables."""
    for name, bound in (
        ("small call, in memory", 1.0),
        ("long request (100 messages, 100 kB), in memory", 1.1),
        ("tools and tool calls, in memory", 1.1),
    ):
        for way in ("", ", async"):
            yield Bar(name + way, bound, 0.7 if bound == 1 else 0.8, "httpx")
    for way in ("", "sync, "):
        yield Bar(f"small call, loopback, {way}1 in flight", 0.9, None, "httpx")
        yield Bar(f"small call, loopback, {way}1 in flight", 0.35, 0.25)
    yield Bar("small call, loopback, 50 in flight", 0.15, None, "httpx")
    yield Bar("small call, loopback, 50 in flight", 0.3)
    on_aiohttp = ("official on aiohttp", "ours on aiohttp")
    yield Bar("small call on aiohttp, loopback, 50 in flight", 0.25, None, *on_aiohttp)
    yield Bar("ours by calls in flight", 1.3, 1.0, "1 in flight", "200 in flight")
    yield Bar("ours by calls in flight", 1.3, 1.0, "1 in flight", "1000 in flight")
    yield Bar("small call, loopback, 32 threads", 0.5)
    for name in ("chat chunk", "Responses event"):
        for way in ("", ", async"):
            yield Bar(name + way, 15, 25, times=True)
    yield Bar("embeddings 256 x 1536 as floats", 20, 30, times=True)
    yield Bar("embeddings 256 x 1536 in base64, to lists", 3, 6, times=True)
    yield Bar("completion of 200 kB, 50 choices, in memory", 2, 4, times=True)
    yield Bar("import", 1.2, None, "httpx + pydantic")
    yield Bar("import, client and first call", 0.5)
    yield Bar("resident memory after a first call", 0.8)
    yield Bar("second client", 200, None, "")
    yield Bar("with_options copy", 5, None, "")
    for count in (1, 50):
        yield Bar(f"controls, loopback, {count} in flight", 0.5, None, "official", "all on")


def judge(cases: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare the measured cases with their targets."""
    return [verdict(bar, cases[bar.case]["contenders"]) for bar in all_bars() if bar.case in cases]


def quartiles(figures: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile of the ratios of *figures* to *others*, round by round."""
    shares = [figure / other for figure, other in zip(figures, others, strict=True)]
    low, median, high = statistics.quantiles(shares, n=4, method="inclusive")
    return low, median, high


def verdict(bar: Bar, contenders: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the figures of a case's contenders with a target."""
    mine = contenders[bar.subject]["rounds"]
    others = contenders[bar.against]["rounds"] if bar.against else [1.0] * len(mine)
    low, median, high = quartiles(others, mine) if bar.times else quartiles(mine, others)
    reaches: Callable[[float, float], bool] = operator.ge if bar.times else operator.le
    return {
        "case": bar.case,
        "subject": bar.subject,
        "against": bar.against,
        "scale": "times cheaper" if bar.times else "share" if bar.against else "us",
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


def show(judged: Sequence[Mapping[str, Any]]) -> None:
    """Print the figures next to the targets."""
    print(f"\n{'':58}{'':40}{'median':>9}{'quartiles':>18}{'bar':>9}{'aim':>6}")
    for bar in judged:
        sign, unit = SIGNS[bar["scale"]]
        spread = f"{bar['low']:.2f} .. {bar['high']:.2f}"
        bound = f"{sign} {bar['bound']:g}"
        aim = "" if bar["aim"] is None else f"{bar['aim']:g}"
        said = "aim reached" if bar["aim_reached"] else "reached" if bar["reached"] else "NOT REACHED"
        figure = f"{bar['median']:.2f}{unit}"
        print(f"{bar['case']:58}{compared(bar):40}{figure:>9}{spread:>18}{bound:>9}{aim:>6}  {said}")
