"""Small questions about expressions and values."""

import ast
from collections.abc import Iterator

from .scopes import Assigned, Function, NameScope
from .values import ClassValue, External, ExternalObject, Instance, Value


def displays(node: ast.expr, scope: NameScope) -> Iterator[tuple[ast.Dict | ast.List | ast.Tuple, NameScope]]:
    """Yield the dicts, lists and tuples that are written down for an expression."""
    if isinstance(node, ast.Dict | ast.List | ast.Tuple):
        yield node, scope
    elif isinstance(node, ast.Name):
        at: NameScope | None = scope
        while at is not None:
            for binding in at.bindings.get(node.id, ()):
                if isinstance(binding, Assigned) and isinstance(
                    binding.value, ast.Dict | ast.List | ast.Tuple
                ):
                    yield binding.value, binding.scope
            if node.id in at.bindings:
                return
            at = at.parent


def last_of(node: ast.expr) -> str:
    """Return the last part of a name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def as_kept(value: Value) -> Value:
    """Return a value as one that does not go with a request."""
    return Instance(value.scope, is_fresh=False) if isinstance(value, Instance) else value


def as_object(value: Value) -> Value:
    """Return what a parameter holds whose annotation is a value."""
    if isinstance(value, ClassValue):
        return Instance(value.scope, is_fresh=False)
    return ExternalObject(value) if isinstance(value, External) else value


def runs_later(scope: NameScope) -> bool:
    """Return whether a scope runs inside a function, not when its module is imported."""
    at: NameScope | None = scope
    while at is not None:
        if isinstance(at, Function):
            return True
        at = at.parent
    return False
