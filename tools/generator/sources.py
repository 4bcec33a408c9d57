"""The package as syntax trees: what was just generated, and beside it what is written by hand."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .description import DescriptionError

PACKAGE = "ai_client"
ENDINGS = ("py", "pyi")


@dataclass(frozen=True)
class Member:
    """One key of a TypedDict, or field of a model."""

    name: str
    annotation: ast.expr
    module: str
    """The module in which its annotation is written."""
    holder: str
    """The class that defines it."""
    is_required: bool
    text: str | None
    """The docstring below it."""


class Sources:
    """The modules of the package, generated texts before files."""

    def __init__(self, texts: Mapping[str, str], root: Path) -> None:
        self._texts = texts
        self.root = root
        self.tree = cache(self._tree)
        self.imports = cache(self._imports)

    def exists(self, module: str) -> bool:
        """Return whether the package has a module."""
        return self._text(module) is not None

    def is_package(self, module: str) -> bool:
        """Return whether a module is a package."""
        return any(self._has(f"{_path(module)}/__init__.{ending}") for ending in ENDINGS)

    def class_of(self, module: str, name: str) -> tuple[str, ast.ClassDef]:
        """Return a class by the name that it has in a module, and the module that defines it."""
        for node in statements(self.tree(module).body):
            if isinstance(node, ast.ClassDef) and node.name == name:
                return module, node
        home = self.imports(module).get(name)
        if home is None or home[1] is None or not self._is_own(module, name):
            raise DescriptionError(f"{module} has no class {name}")
        return self.class_of(home[0], home[1])

    def members(self, module: str, name: str) -> Iterator[Member]:
        """Yield the keys of a TypedDict or the fields of a model, those of its bases first."""
        home, found = self.class_of(module, name)
        for base in found.bases:
            if isinstance(base, ast.Name) and self._is_own(home, base.id):
                yield from self.members(home, base.id)
        body = list(statements(found.body))
        for place, node in enumerate(body):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                annotation, is_required = _required(node.annotation)
                text = _text_below(body, place)
                yield Member(node.target.id, annotation, home, found.name, is_required, text)

    def _is_own(self, module: str, name: str) -> bool:
        """Return whether what a module calls *name* is the package's own."""
        home = self.imports(module).get(name, (module, name))
        return home[0].partition(".")[0] == PACKAGE

    def _tree(self, module: str) -> ast.Module:
        text = self._text(module)
        if text is None:
            raise DescriptionError(f"there is no module {module}")
        return ast.parse(text)

    def _imports(self, module: str) -> dict[str, tuple[str, str | None]]:
        """Return the imported names of a module: where each is from, and its name there unless it is a module."""
        found: dict[str, tuple[str, str | None]] = {}
        package = module if self.is_package(module) else module.rpartition(".")[0]
        for node in statements(self.tree(module).body):
            if isinstance(node, ast.Import):
                found |= {each.asname or each.name: (each.name, None) for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = package.rsplit(".", node.level - 1)[0] if node.level else ""
                source = ".".join(filter(None, (above, node.module)))
                found |= {each.asname or each.name: (source, each.name) for each in node.names}
        return found

    def _text(self, module: str) -> str | None:
        for ending in ENDINGS:
            for path in (f"{_path(module)}.{ending}", f"{_path(module)}/__init__.{ending}"):
                if self._has(path):
                    return self._texts.get(path) or (self.root / path).read_text()
        return None

    def _has(self, path: str) -> bool:
        return path in self._texts or (self.root / path).exists()


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module or class as type checkers see it: those below `if TYPE_CHECKING` too."""
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from node.body
        else:
            yield node


def _required(annotation: ast.expr) -> tuple[ast.expr, bool]:
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Required":
        return annotation.slice, True
    return annotation, False


def _text_below(body: list[ast.stmt], place: int) -> str | None:
    """Return the docstring below a statement of a class."""
    below = body[place + 1] if place + 1 < len(body) else None
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        return " ".join(inspect.cleandoc(str(below.value.value)).split())
    return None


def _path(module: str) -> str:
    return "/".join(module.split(".")[1:])
