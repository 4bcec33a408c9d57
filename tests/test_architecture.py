"""The shape of the house: which module may import which."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ai_client"
FRAMEWORKS = {"fastapi", "starlette", "django", "flask"}
HTTP_LIBRARIES = {"httpx", "httpx2", "httpcore", "httpcore2"}
WAITING = {"asyncio", "anyio", "trio"}
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = [path for path in MODULES if "testing" not in path.relative_to(PACKAGE).parts]

MAY_IMPORT_HTTP = {"_http", "_pool"}
MAY_WAIT = {
    "_exchange",
    "_process",
    "_sockets",
    "_io",
    "_pool",
    "provider.py",
    "relay.py",
}


def imports(path: Path, *, typing_too: bool) -> set[str]:
    """Give the top-level names that a module imports, with or without what only type checkers see."""
    tree = ast.parse(path.read_text())
    hidden: set[ast.AST] = set()
    if not typing_too:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                hidden.update(inner for branch in node.body for inner in ast.walk(branch))
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_framework(path: Path) -> None:
    """No module of the core imports a framework, not even for type checkers."""
    assert not imports(path, typing_too=True) & FRAMEWORKS


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_http_library_is_known_in_one_place(path: Path) -> None:
    """Only the HTTP layer and the pool import an HTTP library at run time."""
    if MAY_IMPORT_HTTP.isdisjoint(path.relative_to(PACKAGE).parts):
        assert not imports(path, typing_too=False) & HTTP_LIBRARIES


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_waiting_goes_through_io(path: Path) -> None:
    """Only the seam, the pool and the loops know an event loop."""
    if MAY_WAIT.isdisjoint(path.relative_to(PACKAGE).parts):
        assert not imports(path, typing_too=False) & WAITING
