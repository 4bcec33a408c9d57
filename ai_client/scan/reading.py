"""The files of a scan: searched for names, and parsed where these lead to clients."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from .building import build
from .clients import ClientClasses
from .modules import Modules
from .scopes import Module
from .sources import SourceFile, Unread, parsed

_LONGEST = 200
"""Characters of a text in which names are looked for."""
_SHORTEST = 3
"""Letters of a name of a module that is looked for before its names are."""


class Reading:
    """The files of a scan.

    Args:
        found: The files.
        on_progress: Called with what goes on.

    Attributes:
        modules: What was parsed.
        unread: What could not be.
        count: How many files there are.
    """

    def __init__(self, found: Iterable[SourceFile], on_progress: Callable[[str], None]) -> None:
        self.modules = Modules()
        self.unread: list[Unread] = []
        self.count = 0
        self._contents: dict[SourceFile, bytes] = {}
        self._on_progress = on_progress
        for source in found:
            self.count += 1
            if self.count % 100 == 0:
                on_progress(f"{self.count} files")
            if source.parts[-1] == "__init__":
                self.modules.note_package(source.parts[:-1])
            try:
                self._contents[source] = source.read()
            except OSError as error:
                self.unread.append(Unread(str(source.path), None, error.strerror or type(error).__name__))
        self._leave_out_clients()

    def _leave_out_clients(self) -> None:
        """Leave out the packages of the clients themselves, which know only names that are imported from them."""
        packages = {one.parts[:-1] for one in self._contents if one.parts[-1] == "_base_client"}
        own = tuple(parts for parts in packages if parts[-1:] in {("openai",), ("ai_client",)})
        for source in list(self._contents):
            if any(source.parts[: len(parts)] == parts for parts in own):
                del self._contents[source]

    def follow(self, clients: ClientClasses) -> None:
        """Parse the files that mention a package of clients, then those that mention what leads to one."""
        importing = re.compile(rb"(?:import|from)\s+(?:openai|ai_client)\b")
        hot = self._parsed(
            {
                source: clients.words | (clients.short if importing.search(self._contents[source]) else set())
                for source in self._mentioning(b"", clients.packages)
            }
        )
        while hot:
            found: dict[SourceFile, set[str]] = {}
            for module, names in hot:
                word = module.parts[-1].encode() if module.parts else b""
                for source in self._mentioning(
                    word if len(word) >= _SHORTEST else b"", names, _package_of(module)
                ):
                    found.setdefault(source, set()).update(names)
            hot = self._parsed(found)

    def _mentioning(
        self, word: bytes, names: set[str], package: tuple[str, ...] | None = None
    ) -> list[SourceFile]:
        """Return the files that are not parsed yet and mention a word, and one of some names or all names by `*`.

        Args:
            word: The word.
            names: The names.
            package: A package whose files may leave out the word, as in `from . import`.
        """
        if not names:
            return []
        one_of = b"|".join(re.escape(name.encode()) for name in sorted(names))
        pattern = re.compile(rb"(?<!\w)(?:" + one_of + rb")(?!\w)" + (rb"|import\s*\*" if word else b""))
        return [
            one
            for one, content in self._contents.items()
            if (word in content or (package is not None and one.parts[: len(package)] == package))
            and pattern.search(content)
        ]

    def _parsed(self, found: Mapping[SourceFile, set[str]]) -> list[tuple[Module, set[str]]]:
        """Parse files; return them with the names that lead to what some words of each name."""
        hot: list[tuple[Module, set[str]]] = []
        for source, words in found.items():
            self._on_progress(str(source.path))
            result = parsed(source, self._contents.pop(source))
            if isinstance(result, Unread):
                self.unread.append(result)
                continue
            tree, lines = result
            names = leading_names(tree, words)
            if names is not None:
                module = build(tree, str(source.path), source.parts, lines)
                self.modules.add(module)
                hot.append((module, names))
        return hot


def _package_of(module: Module) -> tuple[str, ...] | None:
    return module.parts if module.is_package else None


def leading_names(tree: ast.Module, words: set[str]) -> set[str] | None:
    """Return the names of a module whose definitions use some words, or one another that does.

    `None` is returned where nothing mentions one at all, not even an annotation.
    """
    statements = [_Mentions(statement) for statement in _statements(tree.body)]
    hot, found = set(words), set[str]()
    while True:
        new = {name for one in statements if one.used & hot for name in one.bound} - found
        if not new:
            break
        found |= new
        hot |= new
    is_mentioned = any((one.used | one.annotated) & hot for one in statements)
    return found if is_mentioned else None


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those in its blocks one by one."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, name, ()))
            for handler in getattr(statement, "handlers", ()):
                yield from _statements(handler.body)
        else:
            yield statement


class _Mentions:
    """The names that a statement binds in its module, those that it uses, and those in its annotations and texts."""

    def __init__(self, statement: ast.stmt) -> None:
        self.bound = set[str]()
        self.used = set[str]()
        self.annotated = set[str]()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.bound.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            self._import(statement)
            return
        self._walk(statement, stored=isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign))

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            self.bound.add(alias.asname or alias.name.partition(".")[0])
            self.used.add(alias.name.rpartition(".")[2])
        if isinstance(statement, ast.ImportFrom):
            self.annotated.update((statement.module or "").split("."))

    def _walk(self, statement: ast.stmt, *, stored: bool) -> None:
        left: list[tuple[ast.AST, set[str]]] = [(statement, self.used)]
        while left:
            node, to = left.pop()
            match node:
                case ast.Name(ctx=ast.Store()) if stored:
                    self.bound.update({node.id} - {"__all__"})
                case ast.Name():
                    to.add(node.id)
                case ast.Attribute():
                    to.add(node.attr)
                case ast.alias():
                    to.add(node.name.rpartition(".")[2])
                case ast.Global():
                    self.bound.update(node.names)
                case ast.Constant(value=str(text)) if len(text) < _LONGEST:
                    self.annotated.update(text.split("."))
                case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(text)), *_]):
                    to.add(text)
                case _:
                    pass
            annotations = {getattr(node, name, None) for name in ("annotation", "returns")}
            left.extend(
                (one, self.annotated if one in annotations else to) for one in ast.iter_child_nodes(node)
            )
