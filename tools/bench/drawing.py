"""The parts of plots: scales, marks and a card that follows the reader's light or dark scheme, as SVG."""

import math
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

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
MILLI = 1000
# of axes of times, in microseconds
MARKS = (
    *((at, f"{at} µs") for at in (10, 30, 100, 300)),
    *((at * MILLI, f"{at} ms") for at in (1, 3, 10, 30, 100)),
)


def machine(found: Mapping[str, Any]) -> str:
    """Return on what and when the figures were measured."""
    of = found["machine"]
    return f"{of['processor']}, {of['cores']} cores, Python {of['python']}, {found['date']}"


def time_of(microseconds: float) -> str:
    """Return a time in the unit in which it is read most easily."""
    if microseconds < MILLI:
        return f"{microseconds:.0f} µs" if microseconds >= 10 else f"{microseconds:.1f} µs"  # noqa: PLR2004
    return f"{microseconds / MILLI:.1f} ms"


def scale(first: float, last: float, start: float, end: float) -> Callable[[float], float]:
    """Return what places values on a logarithmic scale."""
    span = math.log(last / first)
    return lambda value: start + (end - start) * math.log(value / first) / span


def class_of(name: str) -> str:
    """Return the name of a series in the style sheet."""
    return name.replace(" ", "-")


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Draw words."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Draw a line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def dot(x: float, y: float, name: str) -> str:
    """Draw a figure of a series."""
    return f'<circle class="dot f-{class_of(name)}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if name == "ours" else 4.5}"/>'


def legend(names: Iterable[str], x: float, y: float) -> str:
    """Draw which colour is whose."""
    parts: list[str] = []
    for name in names:
        title = SERIES[name][0]
        parts += [dot(x + 6, y - 4, name), text(x + 18, y, title)]
        x += 38 + 7.1 * len(title)
    return "".join(parts)


def _style() -> str:
    light = {"card": "#ffffff", "edge": "#d0d7de", "ink": "#1f2328", "faint": "#656d76", "grid": "#e4e8ec"}
    dark = {"card": "#161b22", "edge": "#30363d", "ink": "#e6edf3", "faint": "#9198a1", "grid": "#2a313a"}

    def variables(scheme: Mapping[str, str], shade: int) -> str:
        colours = {**scheme, **{class_of(name): found[shade] for name, found in SERIES.items()}}
        return "svg{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"

    series = "".join(
        f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in map(class_of, SERIES)
    )
    return (
        f"{variables(light, 1)}@media (prefers-color-scheme:dark){{{variables(dark, 2)}}}"
        "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--ink)}"
        ".title{font-size:16px;font-weight:600}.strong{font-weight:600}.axis{fill:var(--faint);font-size:12px}"
        ".end{text-anchor:end}.mid{text-anchor:middle}.card{fill:var(--card);stroke:var(--edge)}"
        ".grid{stroke:var(--grid)}.one{stroke:var(--faint);stroke-dasharray:3 3}.pale{opacity:.45}"
        ".spread{stroke-width:5;stroke-linecap:round;opacity:.35}"
        f".line{{fill:none;stroke-width:2}}.dot{{stroke:var(--card);stroke-width:1.5}}{series}"
    )


def card(title: str, parts: Iterable[str], height: float) -> str:
    """Draw the card with a title and what is on it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n"
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="10"/>\n'
        + text(28, 34, title, "title")
        + "\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )
