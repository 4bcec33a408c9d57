"""The libraries that the package imports are those that it declares."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED_AS = {
    "genai_prices": "genai-prices",
    "opentelemetry": "opentelemetry-api",
    "pydantic_core": "pydantic",
    "yarl": "aiohttp",
}
"""The requirement that brings a library of another name; pydantic pins the very version of pydantic_core."""
USED_IF_THERE = {"gunicorn", "openai", "pytest", "truststore"}
"""Imported only where an application has them anyway."""


def declared(*lists: list[str]) -> set[str]:
    """Return the names of the libraries in lists of requirements."""
    return {re.split(r"[^\w-]", line)[0] for lines in lists for line in lines}


def libraries(path: Path) -> set[str]:
    """Return the libraries that a module imports at run time, those that it loads by name too."""
    tree = ast.parse(path.read_text())
    unseen = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import() if node not in unseen:
                names.update(alias.name for alias in node.names)
            case ast.ImportFrom(module=str(name), level=0) if node not in unseen:
                names.add(name)
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name)), *_]):
                names.add(name)
    tops = {name.partition(".")[0] for name in names if not name.startswith(".")}
    return {DECLARED_AS.get(top, top) for top in tops - sys.stdlib_module_names - {"ai_client"}}


def test_what_the_package_imports_is_declared() -> None:
    """Each library that a module of the core imports is a dependency or in an extra."""
    known = declared(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()) | USED_IF_THERE
    undeclared = {
        (str(path.relative_to(ROOT)), library)
        for path in (ROOT / "ai_client").rglob("*.py")
        for library in libraries(path) - known
    }
    assert not undeclared
