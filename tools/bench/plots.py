"""Plots of the figures as SVG, each a card that follows the reader's light or dark scheme.

`python -m tools.bench.plots` draws them from the last run.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from . import results

FOLDER = Path(__file__).parents[2] / "docs" / "figures"
WIDTH = 820
# name: as shown, colour on light, colour on dark
SERIES = {
    "ours": ("ai_client", "#3949ab", "#9fa8da"),
    "official": ("official SDK 3.x", "#e65100", "#ffb74d"),
    "official 2": ("official SDK 2.x", "#ad1457", "#f48fb1"),
    "httpx": ("httpx", "#546e7a", "#b0bec5"),
    "httpx2": ("httpx2", "#8d6e63", "#d7ccc8"),
    "aiohttp": ("aiohttp", "#2e7d32", "#a5d6a7"),
}
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


def main(folder: Path = FOLDER) -> None:
    """Draw all plots."""
    found = results.read()
    folder.mkdir(exist_ok=True)
    for draw in DRAWN:
        (folder / f"{draw.__name__}.svg").write_text(draw(found))


def calls(found: Mapping[str, Any]) -> str:
    """Draw each contender's CPU time relative to the official SDK's: a dot each, on a logarithmic scale."""
    left, right, top, step = 210, WIDTH - 40, 92, 30
    rows = [(found["cases"][case]["contenders"], title) for case, title in CALLS]
    bottom = top + step * len(rows)
    place = _scale(0.01, 4, left, right)
    marks = ((0.01, "1 %"), (0.03, "3 %"), (0.1, "10 %"), (0.3, "30 %"), (1, "100 %"), (3, "300 %"))
    parts = [_line(place(at), top - 8, place(at), bottom, "grid" if at != 1 else "one") for at, _ in marks]
    parts += [_text(place(at), bottom + 18, label, "axis mid") for at, label in marks]
    for row, (contenders, title) in enumerate(rows):
        y = top + step * row + step / 2
        parts.append(_text(left - 16, y + 4, title, "end"))
        whole = contenders["official"]["median"]
        dots = [(name, place(contenders[name]["median"] / whole)) for name in SERIES if name in contenders]
        parts.append(_line(min(x for _, x in dots), y, max(x for _, x in dots), y, "grid"))
        parts += [_dot(x, y, name) for name, x in reversed(dots)]
    parts.append(_legend(SERIES, 28, 58))
    return _card("CPU time as a share of what the official SDK 3.x takes", parts, bottom + 36)


def in_flight(found: Mapping[str, Any]) -> str:
    """Draw the CPU time per call by calls in flight, on logarithmic scales."""
    left, right, top, bottom = 74, WIDTH - 40, 88, 380
    across, up = _scale(IN_FLIGHT[0], IN_FLIGHT[-1], left, right), _scale(50, 6000, bottom, top)
    ticks = ((100, "0.1 ms"), (300, "0.3 ms"), (1000, "1 ms"), (3000, "3 ms"))
    parts = [_line(left, up(at), right, up(at), "grid") for at, _ in ticks]
    parts += [_text(left - 10, up(at) + 4, label, "axis end") for at, label in ticks]
    parts += [_text(across(count), bottom + 20, str(count), "axis mid") for count in IN_FLIGHT]
    parts.append(_text((left + right) / 2, bottom + 42, "calls in flight, in one event loop", "axis mid"))
    for name in reversed(SERIES):
        points = [
            (across(count), up(contenders[name]["median"]))
            for count in IN_FLIGHT
            if name
            in (contenders := found["cases"][f"small call, loopback, {count} in flight"]["contenders"])
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line s-{_class(name)}" points="{path}"/>')
        parts += [_dot(x, y, name) for x, y in points]
    parts.append(_legend(SERIES, 28, 58))
    return _card("Client's CPU time of a small call over loopback", parts, bottom + 60)


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
        parts.append(_text(28, y + 15, framework, "strong"))
        for key, series, title in ways:
            figures = contenders[key]
            rate = figures["requests_per_second"]
            width = max(2.0, (right - left) * rate / most)
            pale = " pale" if "per_request" in key else ""
            parts.append(_text(left - 12, y + 15, title, "end"))
            parts.append(
                f'<rect class="f-{_class(series)}{pale}" x="{left}" y="{y + 1:.1f}" width="{width:.1f}" '
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
    return _card(title, parts, y + 8)


def _scale(first: float, last: float, start: float, end: float) -> Callable[[float], float]:
    span = math.log(last / first)
    return lambda value: start + (end - start) * math.log(value / first) / span


def _class(name: str) -> str:
    return name.replace(" ", "-")


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float, name: str) -> str:
    return (
        f'<circle class="dot f-{_class(name)}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if name == "ours" else 4.5}"/>'
    )


def _legend(names: Iterable[str], x: float, y: float) -> str:
    parts: list[str] = []
    for name in names:
        title = SERIES[name][0]
        parts += [_dot(x + 6, y - 4, name), _text(x + 18, y, title)]
        x += 38 + 7.1 * len(title)
    return "".join(parts)


def _style() -> str:
    light = {"card": "#ffffff", "edge": "#d0d7de", "ink": "#1f2328", "faint": "#656d76", "grid": "#e4e8ec"}
    dark = {"card": "#161b22", "edge": "#30363d", "ink": "#e6edf3", "faint": "#9198a1", "grid": "#2a313a"}

    def variables(scheme: Mapping[str, str], shade: int) -> str:
        colours = {**scheme, **{_class(name): found[shade] for name, found in SERIES.items()}}
        return "svg{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"

    series = "".join(
        f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in map(_class, SERIES)
    )
    return (
        f"{variables(light, 1)}@media (prefers-color-scheme:dark){{{variables(dark, 2)}}}"
        "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--ink)}"
        ".title{font-size:16px;font-weight:600}.strong{font-weight:600}.axis{fill:var(--faint);font-size:12px}"
        ".end{text-anchor:end}.mid{text-anchor:middle}.card{fill:var(--card);stroke:var(--edge)}"
        ".grid{stroke:var(--grid)}.one{stroke:var(--faint);stroke-dasharray:3 3}.pale{opacity:.45}"
        f".line{{fill:none;stroke-width:2}}.dot{{stroke:var(--card);stroke-width:1.5}}{series}"
    )


def _card(title: str, parts: Iterable[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n"
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="10"/>\n'
        + _text(28, 34, title, "title")
        + "\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


Draw = Callable[[Mapping[str, Any]], str]
DRAWN: tuple[Draw, ...] = (calls, in_flight, endpoints)

if __name__ == "__main__":
    main()
