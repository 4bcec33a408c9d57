"""Draw `docs/rooms.svg` from the imports of the code: the rooms by floors, and what each imports.

`python -m tools.rooms` writes it. Rooms and floors are those that `tests/test_architecture.py` holds.
"""

from functools import cache
from pathlib import Path

from tests.test_architecture import ADAPTERS, FLOORS, graph, room

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "rooms.svg"
SHOWN_AS = {"__main__": "python -m ai_client", "__init__": "import ai_client", ADAPTERS.name: "integrations/"}

WIDTH, MIDDLE = 640, 350
BOX, HEIGHT, GAP, TOP = 170, 20, 6, 16
FONT = 'role="img" font-family="ui-monospace, monospace" font-size="12.5" text-anchor="middle"'
COLOURS = ("#5c6bc0", "#ef6c00", "#43a047", "#8e6bbf", "#00838f", "#c2185b")
"""Of the arrows, by the room they come from; each is legible on a light and on a dark page."""

Edges = set[tuple[str, str]]


def imports() -> Edges:
    """Return which room imports which other."""
    edges = {(room(name), room(other)) for name, others in graph().items() for other in others}
    return {(importer, imported) for importer, imported in edges if importer != imported}


def direct(edges: Edges) -> Edges:
    """Return the imports of a room that it does not also reach over another that it imports."""

    @cache
    def below(importer: str) -> frozenset[str]:
        found = {imported for other, imported in edges if other == importer}
        return frozenset(found.union(*map(below, found)))

    return {
        (importer, imported)
        for importer, imported in edges
        if not any(
            imported in below(other) for first, other in edges if first == importer and other != imported
        )
    }


def places() -> dict[str, float]:
    """Return the height at which each room stands; rooms of one floor touch."""
    found: dict[str, float] = {}
    y = TOP
    for floor in FLOORS:
        for name in floor.split():
            found[name] = y + HEIGHT / 2
            y += HEIGHT
        y += GAP
    return found


def arc(start: float, end: float, side: int) -> str:
    """Return a curve from one height to a lower one, to the right or, with -1 as *side*, to the left."""
    x = MIDDLE + side * BOX / 2
    bend = x + side * (18 + (end - start) * (0.5 if side > 0 else 0.37))
    return (
        f"M{x:g} {start + 3:g}C{bend:.0f} {start + 3:g} {bend:.0f} {end - 3:g} {x + side * 6:g} {end - 3:g}"
    )


def box(name: str, y: float) -> str:
    """Return the box of a room with its name: a public room is a darker one."""
    private = name.startswith("_") and not name.startswith("__")
    fill, stroke = ("#e8eaf6", "#9fa8da") if private else ("#c5cae9", "#3f51b5")
    folder = "/" if (ROOT / "ai_client" / name / "__init__.py").exists() else ""
    shown = SHOWN_AS.get(name, name + folder)
    return (
        f'  <rect x="{MIDDLE - BOX / 2:g}" y="{y - HEIGHT / 2:g}" width="{BOX}" height="{HEIGHT}" rx="4"'
        f' fill="{fill}" stroke="{stroke}" />\n'
        f'  <text x="{MIDDLE}" y="{y + 4.5:g}">{shown}</text>'
    )


def tip(kind: int, colour: str) -> str:
    """Return the tip of the arrows of a colour."""
    return (
        f'    <marker id="tip{kind}" viewBox="0 0 10 10" refX="4" refY="5" markerWidth="6" markerHeight="6"'
        f' orient="auto"><path d="M0 0 10 5 0 10z" fill="{colour}" /></marker>'
    )


def draw() -> str:
    """Return the picture."""
    edges, at = imports(), places()
    steps = direct(edges)
    rows = list(at)
    others = "".join(
        arc(at[one], at[two], -1) for one, two in sorted(edges - steps, key=lambda e: (at[e[0]], at[e[1]]))
    )
    arrows = [
        f'  <path stroke="{COLOURS[kind]}" marker-end="url(#tip{kind})" d="{arc(at[one], at[two], 1)}">'
        f"<title>{SHOWN_AS.get(one, one)} imports {SHOWN_AS.get(two, two)}</title></path>"
        for one, two in sorted(steps, key=lambda edge: (at[edge[0]], at[edge[1]]))
        for kind in [rows.index(one) % len(COLOURS)]
    ]
    height = max(at.values()) + HEIGHT / 2 + TOP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" {FONT}>',
            "  <title>The rooms by floors, and what each imports</title>",
            "  <!-- drawn by tools/rooms.py from the imports of the code: do not edit -->",
            "  <defs>",
            *(tip(kind, colour) for kind, colour in enumerate(COLOURS)),
            "  </defs>",
            f'  <path fill="none" stroke="#8a8fa3" stroke-opacity=".45" d="{others}" />',
            '  <g fill="none" stroke-width="1.8">',
            *arrows,
            "  </g>",
            '  <g fill="#1a1d2e">',
            *(box(name, y) for name, y in at.items()),
            "  </g>",
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw())
