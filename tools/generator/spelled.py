"""Methods with their keywords spelled out."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .carried import Carried
from .outline import PAGES
from .prose import Prose
from .sections import Docstring
from .sources import PACKAGE, Member, Sources

MODES = {"Sync": "The sync", "Async": "The async"}
OPTIONS = "MethodOptions"
OMIT = f"{PACKAGE}._params.omit"
Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Keyword:
    """One keyword of a method."""

    name: str
    annotation: str
    default: str | None = None

    def __str__(self) -> str:
        text = f"{self.name}: {self.annotation}"
        return text if self.default is None else f"{text} = {self.default}"


class Spelled:
    """The methods of one resource in a stub."""

    def __init__(self, sources: Sources, carried: Carried, prose: Prose, resource: str) -> None:
        self._sources = sources
        self._carried = carried
        self._prose = prose
        self._resource = resource

    def method(self, mode: str, module: str, definitions: list[Definition]) -> str:
        """Return the code of one method for one client: each of its forms, the first with the docstring."""
        forms = [each for each in definitions if "overload" in _decorators(each) and _is_for(each, mode)]
        several = len(forms) > 1
        written = definitions[-1]
        about = ast.get_docstring(written) or ""
        marks = _decorators(written)
        return "\n".join(
            self._form(mode, module, form, about, marks=marks, is_overloaded=several)
            for form in forms or [written]
        )

    def _form(
        self, mode: str, module: str, form: Definition, about: str, *, marks: set[str], is_overloaded: bool
    ) -> str:
        members = self.members(module, form)
        positional, keywords = self.parameters(module, form, members)
        result = self._result(mode, module, form, marks)
        is_async = isinstance(form, ast.AsyncFunctionDef) and mode == "Async"
        parts = ["self", *map(str, positional), *(["*", *map(str, keywords)] if keywords else [])]
        names = [each.name for each in (*positional, *keywords)]
        decorator = f"    @{self._carried.name('typing', 'overload')}\n" if is_overloaded else ""
        lines = self._docstring(form.name, about, names, members)
        return (
            f"{decorator}    {'async ' if is_async else ''}def {form.name}({', '.join(parts)}) -> {result}:\n"
            + "\n".join(lines)
        )

    def members(self, module: str, form: Definition) -> dict[str, Member]:
        """Return the keys of the TypedDict that a method takes as keywords."""
        taken = form.args.kwarg and form.args.kwarg.annotation
        if not isinstance(taken, ast.Subscript) or not isinstance(taken.slice, ast.Name):
            return {}
        found = {each.name: each for each in self._sources.members(module, taken.slice.id)}
        return dict(sorted(found.items(), key=lambda item: item[1].holder == OPTIONS))

    def parameters(
        self, module: str, form: Definition, members: dict[str, Member]
    ) -> tuple[list[Keyword], list[Keyword]]:
        """Return the positional parameters and the keywords, the required ones first, the options last."""
        given = form.args
        defaults = [None] * (len(given.args) - len(given.defaults)) + given.defaults
        positional = [
            self._own(module, argument, default, members)
            for argument, default in zip(given.args, defaults, strict=True)
            if argument.arg != "self"
        ]
        own = [
            self._own(module, argument, default, members)
            for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        ]
        named = {each.name for each in (*positional, *own)}
        rest = {name: member for name, member in members.items() if name not in named}
        required = [self._taken(each) for each in rest.values() if each.is_required]
        optional = [self._taken(each) for each in rest.values() if not each.is_required]
        return positional, [
            *required,
            *(each for each in own if each.default is None),
            *(each for each in own if each.default is not None),
            *optional,
        ]

    def _own(
        self, module: str, argument: ast.arg, default: ast.expr | None, members: dict[str, Member]
    ) -> Keyword:
        """Return a parameter that the method itself names."""
        assert argument.annotation is not None  # noqa: S101 - the package is typed
        annotation = self._carried.carry(argument.annotation, module)
        if default is None:
            return Keyword(argument.arg, annotation)
        if members and isinstance(default, ast.Constant) and argument.arg in {"stream", "response_format"}:
            return self._omittable(argument.arg, annotation)
        return Keyword(argument.arg, annotation, self._carried.value(default, module))

    def _taken(self, member: Member) -> Keyword:
        """Return a parameter that is a key of the TypedDict."""
        annotation = self._carried.carry(member.annotation, member.module)
        if member.is_required:
            return Keyword(member.name, annotation)
        if member.holder == OPTIONS:
            is_timeout = member.name == "timeout"
            return Keyword(
                member.name, annotation, self._carried.name(OMIT, "not_given") if is_timeout else "None"
            )
        return self._omittable(member.name, annotation)

    def _omittable(self, name: str, annotation: str) -> Keyword:
        kind, mark = self._carried.name(OMIT, "Omit"), self._carried.name(OMIT, "omit")
        return Keyword(name, f"{annotation} | {kind}", mark)

    def _result(self, mode: str, module: str, form: Definition, marks: set[str]) -> str:
        assert form.returns is not None  # noqa: S101 - the package is typed
        if "pages" not in marks:
            return self._carried.carry(form.returns, module)
        assert isinstance(form.returns, ast.Subscript)  # noqa: S101 - of what it lists
        listing = ast.unparse(form.returns.value)
        page = next(page for page, each in PAGES.items() if each == listing)
        item = self._carried.carry(form.returns.slice, module)
        home = f"{PACKAGE}._client.pages"
        pages = f"{self._carried.name(home, f'{mode}{page}')}[{item}]"
        return pages if mode == "Sync" else f"{self._carried.name(home, 'AsyncPaginator')}[{item}, {pages}]"

    def _docstring(self, method: str, about: str, names: list[str], members: dict[str, Member]) -> list[str]:
        operation = f"{self._resource}.{method}"
        written = Docstring.of(about)
        texts = {name: self._text(operation, name, written, members) for name in names}
        described = [(name, text) for name, text in texts.items() if text]
        return written.text(self._prose.summary(operation), described, indent=8)

    def _text(self, operation: str, name: str, written: Docstring, members: dict[str, Member]) -> str | None:
        """Return what a keyword means, the most exact text first."""
        return (
            self._prose.of_operation(operation, name)
            or written.arguments.get(name)
            or self._prose.of_keyword(operation, name)
            or (members[name].text if name in members else self._prose.of_part(_part(members), name))
        )


def operations(sources: Sources, module: str, name: str) -> Iterator[tuple[str, list[Definition]]]:
    """Yield the methods of a resource that its clients show in their own way, with the module of each."""
    home, found = sources.class_of(module, name)
    seen: set[str] = set()
    classes = [(home, found)]
    if any(ast.unparse(base).startswith(f"_generated.{name}[") for base in found.bases):
        classes.append(sources.class_of(f"{home}._generated", name))
    for where, each in classes:
        for method, definitions in _methods(each).items():
            if method not in seen:
                seen.add(method)
                yield where, definitions


def _methods(found: ast.ClassDef) -> dict[str, list[Definition]]:
    methods: dict[str, list[Definition]] = {}
    for node in found.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            methods.setdefault(node.name, []).append(node)
    return {
        name: definitions
        for name, definitions in methods.items()
        if len(definitions) > 1 or _decorators(definitions[0]) & {"operation", "pages"}
    }


def _part(members: dict[str, Member]) -> str:
    """Return the module below `types/` of the TypedDict whose keys these are."""
    modules = (each.module for each in members.values() if each.holder != OPTIONS)
    return next(modules, "").removeprefix(f"{PACKAGE}.types.").replace(".", "/")


def _decorators(definition: Definition) -> set[str]:
    return {ast.unparse(each) for each in definition.decorator_list}


def _is_for(form: Definition, mode: str) -> bool:
    """Return whether an overload is for a mode, as the annotation of its `self` says."""
    said = form.args.args[0].annotation
    return said is None or ast.unparse(said).strip("'\"").endswith(f"[{mode}]")
