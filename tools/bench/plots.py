"""Plots of the figures as SVG, each a card that follows the reader's light or dark scheme.

`python -m tools.bench.plots` draws them from the last run.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import gateways, interop, results
from .drawing import MARKS, SERIES, WIDTH, card, class_of, dot, legend, line, machine, scale, text, time_of
from .loopback import FEW

FOLDER = Path(__file__).parents[2] / "docs" / "figures"
CALLS = (
    ("small call, in memory", "small call, no network"),
    ("long request (100 messages, 100 kB), in memory", "100 messages, 100 kB"),
    ("tools and tool calls, in memory", "tools and tool calls"),
    ("completion of 200 kB, 50 choices, in memory", "answer of 200 kB"),
    ("small call, loopback, 1 in flight", "over loopback, 1 in flight"),
    ("small call, loopback, 50 in flight", "over loopback, 50 in flight"),
    ("small call, loopback, 32 threads", "over loopback, 32 threads"),
    ("chat chunk", "chunk of a chat stream"),
    ("Responses event", "event of a response"),
    ("embeddings 256 x 1536 as floats", "256 embeddings as floats"),
    ("embeddings 256 x 1536 in base64, to lists", "256 embeddings in base64"),
    ("import, client and first call", "import and first call"),
)
IN_FLIGHT = (1, 50, 200, 1000)
SHARES = (0.01, 0.03, 0.1, 0.3, 1, 3)
BASE, CONTROLS, WAYS = (
    f"small call, loopback, {FEW} in flight",
    f"controls, loopback, {FEW} in flight",
    gateways.name(FEW),
)
# group: rows as shown, each with its case, its contender and whose colour it has
ONE_CALL = {
    "Only HTTP and JSON": (
        ("pyreqwest (Rust)", BASE, "pyreqwest", "httpx"),
        ("wreq (Rust)", BASE, "wreq", "httpx"),
        ("aiohttp", BASE, "aiohttp", "httpx"),
        ("httpx2", BASE, "httpx2", "httpx"),
        ("httpx", BASE, "httpx", "httpx"),
    ),
    "Typed answers": (
        ("ai_client", BASE, "ours", "ours"),
        ("official SDK on ai_client", interop.name(FEW), interop.OVER_OURS, "ours"),
        ("official SDK", BASE, "official", "official"),
    ),
    "Typed answers with controls": (
        ("ai_client, all on", CONTROLS, "all on", "ours"),
        ("official SDK on ai_client, all on", WAYS, gateways.OVER_OURS_ALL_ON, "ours"),
        *(
            (f"official SDK and {each.name}", WAYS, each.contender, "official 2")
            for each in reversed(gateways.GATEWAYS)
        ),
    ),
}


def main(folder: Path = FOLDER) -> None:
    """Draw all plots."""
    found = results.read()
    folder.mkdir(exist_ok=True)
    for draw in DRAWN:
        (folder / f"{draw.__name__}.svg").write_text(draw(found))


def one_call(found: Mapping[str, Any]) -> str:
    """Draw the CPU time of one chat call by the ways to make it: a dot with quartiles each, on a logarithmic scale."""
    left, right, top, step = 276, WIDTH - 96, 62.0, 25
    groups = {title: [row for row in rows if _of(found, row)] for title, rows in ONE_CALL.items()}
    figures = [_of(found, row) for rows in groups.values() for row in rows]
    low, high = min(one["low"] for one in figures) / 1.3, max(one["high"] for one in figures) * 1.1
    place, y, parts = scale(low, high, left, right), top, []
    for title, rows in groups.items():
        if rows:
            parts.append(text(28, y + 16, title, "strong"))
            y += step
        for row in rows:
            one, (title_of_row, *_, series) = _of(found, row), row
            at, middle = place(one["median"]), y + step / 2
            parts.append(line(left, middle, at, middle, "grid"))
            parts.append(
                text(left - 14, middle + 4, title_of_row, "end strong" if series == "ours" else "end")
            )
            parts.append(
                line(place(one["low"]), middle, place(one["high"]), middle, f"spread s-{class_of(series)}")
            )
            parts.append(dot(at, middle, series))
            parts.append(text(max(at, place(one["high"])) + 11, middle + 4, time_of(one["median"]), "axis"))
            y += step
        y += 10
    marks = [(at, label) for at, label in MARKS if low <= at <= high]
    grid = [line(place(at), top - 4, place(at), y, "grid") for at, _ in marks]
    grid += [text(place(at), y + 17, label, "axis mid") for at, label in marks]
    parts.append(text(28, y + 44, f"Median and quartiles of client and gateway; {machine(found)}.", "axis"))
    return card(f"CPU time of one chat call, {FEW} in flight", [*grid, *parts], y + 60)


def _of(found: Mapping[str, Any], row: tuple[str, str, str, str]) -> Mapping[str, Any]:
    """Return the figures of a row, or nothing where it was not measured."""
    _, case, contender, _ = row
    measured: Mapping[str, Any] = found["cases"].get(case, {"contenders": {}})["contenders"]
    return measured.get(contender, {})


def calls(found: Mapping[str, Any]) -> str:
    """Draw each contender's CPU time relative to the official SDK's: a dot each, on a logarithmic scale."""
    left, right, top, step = 210, WIDTH - 40, 92, 30
    rows = [(found["cases"][case]["contenders"], title) for case, title in CALLS]
    bottom = top + step * len(rows)
    shares = [
        one["median"] / contenders["official"]["median"]
        for contenders, _ in rows
        for name, one in contenders.items()
        if name in SERIES
    ]
    place = scale(min(shares) / 1.1, max(shares) * 1.1, left, right)
    marks = [(at, f"{at:.0%}".replace("%", " %")) for at in SHARES if min(shares) <= at <= max(shares)]
    parts = [line(place(at), top - 8, place(at), bottom, "grid" if at != 1 else "one") for at, _ in marks]
    parts += [text(place(at), bottom + 18, label, "axis mid") for at, label in marks]
    for row, (contenders, title) in enumerate(rows):
        y = top + step * row + step / 2
        parts.append(text(left - 16, y + 4, title, "end"))
        whole = contenders["official"]["median"]
        dots = [(name, place(contenders[name]["median"] / whole)) for name in SERIES if name in contenders]
        parts.append(line(min(x for _, x in dots), y, max(x for _, x in dots), y, "grid"))
        parts += [dot(x, y, name) for name, x in reversed(dots)]
    parts.append(legend(SERIES, 28, 58))
    return card("CPU time as a share of what the official SDK 3.x takes", parts, bottom + 36)


def in_flight(found: Mapping[str, Any]) -> str:
    """Draw the CPU time per call by calls in flight, on logarithmic scales."""
    left, right, top, bottom = 74, WIDTH - 40, 88, 380
    of_counts = {
        count: found["cases"][f"small call, loopback, {count} in flight"]["contenders"] for count in IN_FLIGHT
    }
    times = [them[name]["median"] for them in of_counts.values() for name in SERIES if name in them]
    low, high = min(times) / 1.2, max(times) * 1.2
    across, up = scale(IN_FLIGHT[0], IN_FLIGHT[-1], left, right), scale(low, high, bottom, top)
    ticks = [(at, label) for at, label in MARKS if low <= at <= high]
    parts = [line(left, up(at), right, up(at), "grid") for at, _ in ticks]
    parts += [text(left - 10, up(at) + 4, label, "axis end") for at, label in ticks]
    parts += [text(across(count), bottom + 20, str(count), "axis mid") for count in IN_FLIGHT]
    parts.append(text((left + right) / 2, bottom + 42, "calls in flight, in one event loop", "axis mid"))
    for name in reversed(SERIES):
        points = [
            (across(count), up(contenders[name]["median"]))
            for count, contenders in of_counts.items()
            if name in contenders
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line s-{class_of(name)}" points="{path}"/>')
        parts += [dot(x, y, name) for x, y in points]
    parts.append(legend(SERIES, 28, 58))
    return card("Client's CPU time of a small call over loopback", parts, bottom + 60)


def endpoints(found: Mapping[str, Any]) -> str:
    """Draw requests per second of each framework's endpoint by its way to get a client, with memory next to it."""
    ways = (
        ("ours_shared", "ours", "ai_client, one shared"),
        ("official_shared", "official", "official SDK, one shared"),
        ("ours_per_request", "ours", "ai_client, one a request"),
        ("official_per_request", "official", "official SDK, one a request"),
    )
    left, right, y = 250, WIDTH - 220, 62.0
    frameworks = found["endpoints"]["frameworks"]
    most = max(figures["requests_per_second"] for ways in frameworks.values() for figures in ways.values())
    parts: list[str] = []
    for framework, contenders in frameworks.items():
        parts.append(text(28, y + 15, framework, "strong"))
        for key, series, title in ways:
            figures = contenders[key]
            rate = figures["requests_per_second"]
            width = max(2.0, (right - left) * rate / most)
            pale = " pale" if "per_request" in key else ""
            parts.append(text(left - 12, y + 15, title, "end"))
            parts.append(
                f'<rect class="f-{class_of(series)}{pale}" x="{left}" y="{y + 1:.1f}" width="{width:.1f}" '
                'height="19" rx="3"/>'
            )
            aside = (
                f"{figures['upstream_connections']:.0f} connections, {figures['resident_megabytes']:.0f} MB"
            )
            label = f'{rate:.0f}/s<tspan class="axis" dx="10">{aside}</tspan>'
            parts.append(f'<text x="{left + width + 8:.1f}" y="{y + 15:.1f}">{label}</text>')
            y += 25
        y += 14
    title = f"Requests per second of an endpoint, {found['endpoints']['in_flight']} in flight, one worker"
    return card(title, parts, y + 8)


Draw = Callable[[Mapping[str, Any]], str]
DRAWN: tuple[Draw, ...] = (one_call, calls, in_flight, endpoints)

if __name__ == "__main__":
    main()
