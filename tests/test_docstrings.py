"""How docstrings begin."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OPENINGS = frozenset(
    {"Give", "Gives", "Let", "Lets", "Part", "Refuse", "Refuses", "Say", "Says", "Tell", "Tells", "What"}
)
"""First words that hide what happens, where "Return", "Split", "Raise" or a noun would show it."""
GENERATED = frozenset({"ai_client/types", "ai_client/resources"})
"""Rooms whose text comes from the API's description."""
UNFINISHED = frozenset(
    {
        "ai_client/_client",
        "ai_client/_config",
        "ai_client/_io",
        "ai_client/_pool",
        "ai_client/stores",
        "tools/__init__",
        "tools/bench",
        "tools/docs",
        "tools/generator",
        "tools/public_names",
        "tools/readme",
    }
)
"""Rooms that still have such docstrings; the list may only shrink."""


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a module, its classes, functions and attributes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def room(path: Path) -> str:
    """Return the folder or module that stands directly in the package, `integrations/` or `tools/`."""
    return "/".join(path.relative_to(ROOT).with_suffix("").parts[:2])


MODULES: dict[str, list[Path]] = {}
for _path in sorted(
    path for top in ("ai_client", "integrations", "tools") for path in (ROOT / top).rglob("*.py")
):
    if room(_path) not in GENERATED:
        MODULES.setdefault(room(_path), []).append(_path)


def obscure(name: str) -> list[str]:
    """Return the docstrings of a room that begin with one of the words."""
    return [
        f"{path.relative_to(ROOT)}: {text.strip().splitlines()[0]}"
        for path in MODULES[name]
        for text in docstrings(path)
        if text.split(maxsplit=1)[:1] and text.split(maxsplit=1)[0] in OPENINGS
    ]


@pytest.mark.parametrize("name", sorted(MODULES.keys() - UNFINISHED))
def test_docstrings_say_what_happens(name: str) -> None:
    """No docstring of a finished room begins with a word that hides what happens."""
    assert not obscure(name)
