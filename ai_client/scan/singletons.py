"""Classes that have one object, by what they do themselves or by their metaclass."""

import ast
from collections.abc import Iterable
from typing import Protocol

from .keepers import is_keeping_metaclass, is_kept_class, metaclasses
from .scopes import Class, NameScope, last_name
from .values import ClassValue, External, Value


class NameFollower(Protocol):
    """Follows names to what they may be."""

    def values(self, node: ast.expr, scope: NameScope) -> Iterable[Value]:
        """Return what an expression may be."""
        ...

    def lineage(self, scope: Class) -> list[Class | External]:
        """Return a class and its bases."""
        ...


def is_singleton(scope: Class, names: NameFollower) -> bool:
    """Return whether a class has one object that it returns again."""
    return is_kept_class(scope) or is_initialized_once(scope, names)


def is_initialized_once(scope: Class, names: NameFollower) -> bool:
    """Return whether a metaclass returns the one object of a class: only after `__new__` does `__init__` run again."""
    return any(
        "singleton" in last_name(node).lower()
        or any(
            isinstance(value, ClassValue) and is_keeping_metaclass(value.scope)
            for value in names.values(node, base.parent or base)
        )
        for base in names.lineage(scope)
        if isinstance(base, Class)
        for node in metaclasses(base)
    )
