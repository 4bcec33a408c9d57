"""Functions and classes that make something once and keep it."""

import ast

from .scopes import Class, Function, last_name

_NOT_KEEPING = frozenset(
    {"never_cache", "cache_page", "cache_control", "nocache", "no_cache", "cache_header", "cache_response"}
)
_KEEPING = ("cache", "memo", "singleton")
_WORDS = frozenset({"once", "lazy"})


def keeps(node: ast.expr) -> bool:
    """Return whether a decorator has a function run once and keep its result, by its name."""
    name = last_name(node).lower()
    words = name.split("_")
    return name not in _NOT_KEEPING and any(word.startswith(_KEEPING) or word in _WORDS for word in words)


def is_once(function: Function, is_fresh: bool | None) -> bool:
    """Return whether a function runs once and not for each call.

    Args:
        function: The function.
        is_fresh: Whether the object that it is a method of goes with a request: then so does what that keeps.
    """
    if not any(map(keeps, function.decorators)):
        return False
    return not (is_fresh and function.takes_self)


def is_kept_class(scope: Class) -> bool:
    """Return whether a class has one object that it returns again: a singleton."""
    return any(map(keeps, scope.definition.decorator_list)) or _chooses(scope.method("__new__"))


def metaclasses(scope: Class) -> list[ast.expr]:
    """Return the expression after `metaclass=`, where there is one."""
    return [word.value for word in scope.definition.keywords if word.arg == "metaclass"]


def is_keeping_metaclass(found: Class) -> bool:
    """Return whether a metaclass has its classes make one object that they return again."""
    return _chooses(found.method("__call__"))


def _chooses(method: Function | None) -> bool:
    """Return whether a method that makes objects does so only where there is none yet."""
    return method is not None and any(isinstance(node, ast.If | ast.Try) for node in ast.walk(method.node))


def is_property(function: Function) -> bool:
    """Return whether a method runs when an attribute is read."""
    return any("property" in last_name(one).lower() for one in function.decorators)
