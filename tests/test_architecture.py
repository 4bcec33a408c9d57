"""The shape of the house: which module may import which."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
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


FLOORS = (
    "__main__",
    "cli",
    "__init__ testing",
    "doctor",
    "provider relay",
    "_process",
    "azure",
    "client",
    "_resources",
    "resources",
    "realtime live checks",
    "_sockets config",
    "_config _client",
    "lib web",
    "control",
    "_answers",
    "auth",
    "_call",
    "stores",
    "_io",
    "_exchange webhooks",
    "_pool",
    "types",
    "_models",
    "_http",
    "_params",
    "errors",
    "_fork _version",
)
"""The rooms from the top down: each may import from those that stand on a line below it."""
STORY = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}


def named(path: Path) -> str:
    """Return the name of a module below the package, `__init__` for the package itself."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


NAMED = {named(path): path for path in MODULES}


def imported(path: Path) -> set[str]:
    """Return the modules of the package that a module imports: inside functions and for type checkers too."""
    package = ["ai_client", *path.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            below = module.removeprefix("ai_client").removeprefix(".")
            found.update(
                f"{module}.{alias.name}" if f"{below}.{alias.name}".lstrip(".") in NAMED else module
                for alias in node.names
            )
    ours = {name.partition(".")[2] or "__init__" for name in found if name.split(".")[0] == "ai_client"}
    return (ours & NAMED.keys()) - {named(path)}


@cache
def graph() -> dict[str, set[str]]:
    """Return what each module imports."""
    return {name: imported(path) for name, path in NAMED.items()}


def room(name: str) -> str:
    """Return the room of a module: its folder, or itself where it stands in the root."""
    return name.partition(".")[0]


def hands_on(name: str) -> bool:
    """Return whether a module is the face of a package, which does nothing but hand names on."""
    quiet = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign)
    path = NAMED[name]
    return path.name == "__init__.py" and all(
        isinstance(each, quiet) for each in ast.parse(path.read_text()).body
    )


def test_every_room_has_its_floor() -> None:
    """Each folder and each module of the root stands on one floor."""
    assert {room(name) for name in NAMED} == STORY.keys()


def test_no_import_runs_up() -> None:
    """A room imports from floors below its own only, inside functions and for type checkers too."""
    up = {
        (name, other)
        for name, others in graph().items()
        for other in others
        if room(name) != room(other) and STORY[room(other)] <= STORY[room(name)]
    }
    assert not up


def test_no_circle() -> None:
    """No module imports itself over others."""
    edges = {
        name: {other for other in others if not hands_on(other)}
        for name, others in graph().items()
        if not hands_on(name)
    }
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
