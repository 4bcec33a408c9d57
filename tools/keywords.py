"""Write the descriptions of options below the keys of their TypedDicts, where editors look for them.

`python -m tools.keywords` writes them.
"""

import ast
import textwrap
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from ai_client import OpenAI
from tools.docs.notation import descriptions
from tools.docs.settings import all_settings

PACKAGE = Path(__file__).parents[1] / "ai_client"
WIDTH = 110


def of_settings() -> dict[str, str]:
    """Return the description of each setting, with its default and its environment variable."""
    found: dict[str, str] = {}
    for one in all_settings():
        more = [one.default and f"Default {one.default}.", one.variable and f"Environment: `{one.variable}`."]
        found[one.name] = " ".join([one.description, *filter(None, more)])
    return found


SOURCES: Mapping[tuple[str, str], Callable[[], Mapping[str, str]]] = {
    ("_config/keywords.py", "ClientOptions"): of_settings,
    ("_client/keywords.py", "OwnOptions"): lambda: descriptions(OpenAI),
    ("_client/keywords.py", "CopyOptions"): lambda: descriptions(OpenAI.copy),
}
"""The modules and their TypedDicts, and the descriptions of each."""


def described(text: str, name: str, said: Mapping[str, str]) -> str:
    """Return a module's text with the current descriptions below the keys of a TypedDict.

    Raises:
        KeyError: A key has no description.
    """
    lines = text.splitlines()
    body = next(
        node.body for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == name
    )
    for key, following in reversed([*pairwise(body), (body[-1], None)]):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name):
            end = following.end_lineno if isinstance(following, ast.Expr) else key.end_lineno
            lines[key.end_lineno : end] = textwrap.wrap(
                f'"""{said[key.target.id]}"""', WIDTH, initial_indent="    ", subsequent_indent="    "
            )
    return "\n".join(lines) + "\n"


def rendered(module: str) -> str:
    """Return the text of a module of the package with current descriptions."""
    text = (PACKAGE / module).read_text()
    for (one, name), said in SOURCES.items():
        if one == module:
            text = described(text, name, said())
    return text


def main() -> None:
    """Write them."""
    for module in dict.fromkeys(module for module, _ in SOURCES):
        (PACKAGE / module).write_text(rendered(module))


if __name__ == "__main__":
    main()
