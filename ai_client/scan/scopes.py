"""The scopes of a module, with what each name in them is bound to."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, cast

AnyFunction: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that is imported: a module, or a member of one."""

    module: str
    level: int
    member: str | None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A name with the value of an expression."""

    value: ast.expr
    scope: "NameScope"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        position: Its index among the positional ones; `None` for others.
    """

    annotation: ast.expr | None
    default: ast.expr | None
    position: int | None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A name whose value is not followed, such as that of a loop."""


Binding: TypeAlias = "Imported | Assigned | Parameter | Opaque | Function | Class"


@dataclass(eq=False)
class NameScope:
    """A part of a module with names of its own.

    Attributes:
        node: The syntax.
        module: The module that it is in.
        parent: The scope around it.
        name: Its name with those around it, such as `Service.ask`.
        bindings: What each name is bound to, in the order of the text.
        outer: Names that belong to the module (`global`) or an outer function (`nonlocal`).
    """

    node: ast.AST
    module: "Module"
    parent: "NameScope | None"
    name: str
    bindings: dict[str, list[Binding]] = field(default_factory=dict[str, list[Binding]])
    outer: set[str] = field(default_factory=set[str])

    def bind(self, name: str, binding: Binding) -> None:
        """Add what a name is bound to."""
        self.bindings.setdefault(name, []).append(binding)


@dataclass(eq=False)
class Owner(NameScope):
    """A scope that runs: a module, or a function.

    Attributes:
        nodes: The calls, attributes and `with` blocks that run with it, each with its scope.
    """

    nodes: list[tuple[ast.AST, NameScope]] = field(default_factory=list[tuple[ast.AST, NameScope]])


@dataclass(eq=False)
class Function(Owner):
    """A function or lambda.

    Attributes:
        of_class: The class whose method it is.
        returned: The values that it returns.
    """

    of_class: "Class | None" = None
    returned: list[tuple[ast.expr, NameScope]] = field(default_factory=list[tuple[ast.expr, NameScope]])

    @property
    def decorators(self) -> list[ast.expr]:
        """Its decorators."""
        return [] if isinstance(self.definition, ast.Lambda) else self.definition.decorator_list

    @property
    def arguments(self) -> list[str]:
        """The names of its positional parameters, without `self`."""
        taken = self.definition.args
        names = [one.arg for one in (*taken.posonlyargs, *taken.args)]
        return names[1:] if self.takes_self else names

    @property
    def takes_self(self) -> bool:
        """Whether its first parameter is the object, or the class of a class method."""
        return self.of_class is not None and "staticmethod" not in map(last_name, self.decorators)

    @property
    def definition(self) -> AnyFunction:
        """Its syntax."""
        return cast("AnyFunction", self.node)


@dataclass(eq=False)
class Class(NameScope):
    """A class."""

    @property
    def definition(self) -> ast.ClassDef:
        """Its syntax."""
        return cast("ast.ClassDef", self.node)

    def method(self, name: str) -> Function | None:
        """Return a method that is defined here."""
        found = [one for one in self.bindings.get(name, ()) if isinstance(one, Function)]
        return found[-1] if found else None

    def attributes(self) -> "dict[str, list[Assigned]]":
        """Return what its methods assign to attributes of the object."""
        return self._attributes

    _attributes: dict[str, list[Assigned]] = field(default_factory=dict[str, list[Assigned]])


@dataclass(eq=False)
class Module(Owner):
    """A module.

    Attributes:
        path: The file.
        parts: The names that its dotted name ends with.
        is_package: Whether it is the `__init__` of a package.
        lines: The text.
        parents: The syntax around each node.
        functions: All functions in it.
        classes: All classes in it.
        scopes: The scope of each function, lambda and class.
        stars: Modules of which all names are imported, each with its level.
    """

    path: str = ""
    parts: tuple[str, ...] = ()
    is_package: bool = False
    lines: list[str] = field(default_factory=list[str])
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict[ast.AST, ast.AST])
    functions: list[Function] = field(default_factory=list[Function])
    classes: list[Class] = field(default_factory=list[Class])
    scopes: dict[ast.AST, Function | Class] = field(default_factory=dict[ast.AST, Function | Class])
    stars: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def owners(self) -> "Iterator[Owner]":
        """Yield what runs in it."""
        yield self
        yield from self.functions


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name, of what is called too; empty for another expression."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
