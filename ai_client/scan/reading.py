"""The files of a scan: searched for names, and parsed where these lead to clients."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from .building import build
from .clients import ClientClasses
from .foundations import foundations
from .modules import Modules
from .sources import SourceFile, Unread, parsed

_WORD = re.compile(rb"[^\W\d]\w*")
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
        self._files: dict[SourceFile, _ReadFile | None] = {}
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
        hot = self._examined(
            {
                source: clients.words | (clients.short if importing.search(self._contents[source]) else set())
                for source in self._mentioning(b"", clients.packages)
            }
        )
        while hot:
            found: dict[SourceFile, set[str]] = {}
            for source, names in hot:
                is_package = source.parts[-1] == "__init__"
                parts = source.parts[:-1] if is_package else source.parts
                word = parts[-1].encode() if parts else b""
                for one in self._mentioning(
                    word if len(word) >= _SHORTEST else b"", names, parts if is_package else None
                ):
                    found.setdefault(one, set()).update(names)
            hot = self._examined(found)
        self._follow_foundations()

    def _follow_foundations(self) -> None:
        """Parse the modules that define what classes and functions rest on, though they mention no client."""
        by_name: dict[str, list[tuple[tuple[str, ...], SourceFile]]] = {}
        for source in self._contents:
            parts = source.parts[:-1] if source.parts[-1] == "__init__" else source.parts
            by_name.setdefault(parts[-1] if parts else "", []).append((parts, source))
        wanted, done = set[str](), 0
        while done < len(self.modules.all):
            module = self.modules.all[done]
            done += 1
            for wanting in foundations(module, wanted):
                for parts, source in by_name.get(wanting[-1] if wanting else "", ()):
                    if parts[-len(wanting) :] == wanting and self._may_define(source, wanted):
                        self._add(source)

    def _may_define(self, source: SourceFile, names: set[str]) -> bool:
        """Return whether a file has one of some names in it, or imports names that it does not have in it."""
        content = self._contents[source]
        return b"import *" in content or any(
            word.decode(errors="replace") in names for word in _WORD.findall(content)
        )

    def _mentioning(
        self, word: bytes, names: set[str], package: tuple[str, ...] | None = None
    ) -> list[SourceFile]:
        """Return the files that mention a word, and one of some names or all names by `*`.

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

    def _examined(self, found: Mapping[SourceFile, set[str]]) -> list[tuple[SourceFile, set[str]]]:
        """Look for words in files, parsed once each; return the names found to lead to them that did not before."""
        hot: list[tuple[SourceFile, set[str]]] = []
        for source, words in found.items():
            file = self._file(source)
            if file is None or words <= file.words:
                continue
            new = file.leading(words)
            if file.is_mentioned:
                self._add(source)
            if new:
                hot.append((source, new))
        return hot

    def _add(self, source: SourceFile) -> None:
        file = self._file(source)
        if file is not None and not file.is_added:
            file.is_added = True
            self.modules.add(build(file.tree, str(source.path), source.parts, file.lines))

    def _file(self, source: SourceFile) -> "_ReadFile | None":
        if source not in self._files:
            self._on_progress(str(source.path))
            result = parsed(source, self._contents[source])
            if isinstance(result, Unread):
                self.unread.append(result)
            self._files[source] = None if isinstance(result, Unread) else _ReadFile(*result)
        return self._files[source]


class _ReadFile:
    """A parsed file, and the names in it that lead to words.

    Attributes:
        tree: Its syntax.
        lines: Its text.
        words: What was looked for so far.
        is_mentioned: Whether anything in it mentions one of the words, if only an annotation.
        is_added: Whether it is among the modules.
    """

    def __init__(self, tree: ast.Module, lines: list[str]) -> None:
        self.tree = tree
        self.lines = lines
        self.words = set[str]()
        self.is_mentioned = self.is_added = False
        self._names = set[str]()
        self._statements: list[_Mentions] | None = None

    def leading(self, words: set[str]) -> set[str]:
        """Return the names whose definitions use further words, or one another that does, and did none before."""
        if self._statements is None:
            self._statements = [_Mentions(statement) for statement in _statements(self.tree.body)]
        has_star = any("*" in one.bound for one in self._statements)
        self.words |= words
        before = set(self._names)
        if has_star:  # which may import any of them, to be imported from here
            self._names |= self.words
        while True:
            hot = self.words | self._names
            new = {name for one in self._statements if one.used & hot for name in one.bound} - self._names
            if not new:
                break
            self._names |= new
        self.is_mentioned = has_star or any((one.used | one.annotated) & hot for one in self._statements)
        return self._names - before


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
