"""The public names of a revision, written into `tests/house/public_names.json`: what later ones must still offer.

`python -m tools.public_names REVISION`. Public is what an `__all__` lists, what a page of the docs or the README names,
and the types of the API, each in a module without a leading underscore.
"""

import ast
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from importlib import import_module
from io import BytesIO
from logging import Logger
from pathlib import Path
from types import ModuleType
from typing import TypeVar

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "house" / "public_names.json"
WHOLE = {f"ai_client.{name}" for name in ("auth", "azure", "live", "realtime", "relay", "web", "webhooks")}
"""Modules whose every name is public, though the docs describe some of them without their paths."""
DOTTED = re.compile(r"\bai_client\w*(?:\.\w+)*")
HELPERS = (ModuleType, TypeVar, Logger)
"""Types of names that are not public although they have no leading underscore."""
IMPORTED = re.compile(r"^\s*from (ai_client[\w.]*) import (.+)$", re.MULTILINE)


def modules(root: Path) -> dict[str, Path]:
    """Return the modules of a checkout that have no leading underscore in their path."""
    found: dict[str, Path] = {}
    for base in (root, root / "integrations"):
        for path in sorted(base.glob("ai_client*/**/*.py")):
            parts = [part for part in path.relative_to(base).with_suffix("").parts if part != "__init__"]
            if not any(part.startswith("_") for part in parts):
                found[".".join(parts)] = path
    return found


def documented(root: Path) -> set[str]:
    """Return the dotted names that the README and the docs hold."""
    pages = [root / "README.md", *(root / "docs").rglob("*.md")]
    found: set[str] = set()
    for text in (page.read_text() for page in pages):
        found.update(DOTTED.findall(text))
        for module, names in IMPORTED.findall(text):
            found.update(f"{module}.{name}" for name in re.findall(r"\w+", names))
    return found


def defined(module: ModuleType, path: Path) -> set[str]:
    """Return the names that a module offers beside those that it only imports, as `dir` lists them."""
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return {
        name
        for name in dir(module)
        if not name.startswith("_")
        and name not in imported
        and not isinstance(getattr(module, name), HELPERS)
    }


def public(root: Path) -> dict[str, str]:
    """Return the public names of each module of a checkout as text."""
    sys.path[:0] = [str(root), str(root / "integrations")]
    named = documented(root)
    found: dict[str, set[str]] = {}
    for name, path in modules(root).items():
        module = import_module(name)
        listed = getattr(module, "__all__", None)
        if listed is not None:
            names = set(listed)
        elif name in WHOLE or name.startswith("ai_client.types"):
            names = defined(module, path)
        else:
            names = {each for each in defined(module, path) if f"{name}.{each}" in named}
        found[name] = names
    return {name: text for name, names in found.items() if (text := written(name, names, found))}


def written(module: str, names: set[str], found: dict[str, set[str]]) -> str:
    """Return the names of a module as text, each with a `^` for each package around it that offers it too.

    Names that a module of a package offers are left out of the package's own.
    """
    inner = {name for other in found if other.rpartition(".")[0] == module for name in found[other]}
    return " ".join("^" * offers_around(module, name, found) + name for name in sorted(names - inner))


def offers_around(module: str, name: str, found: dict[str, set[str]]) -> int:
    """Count the packages around a module, from the inmost on, that offer one of its names too."""
    package = module.rpartition(".")[0]
    return 1 + offers_around(package, name, found) if name in found.get(package, ()) else 0


def main(revision: str) -> None:
    """Write the public names of a revision of this repository."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True)
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as tree:
            tree.extractall(folder, filter="data")
        KEPT.write_text(json.dumps(public(Path(folder)), indent=0) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
