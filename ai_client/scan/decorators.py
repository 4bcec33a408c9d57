"""Functions that serve requests by their decorators."""

import ast
from collections.abc import Iterator

from . import families
from .entry import EntryPoint
from .resolving import Resolver
from .scopes import Function, NameScope, last_name
from .values import ClassValue, External, ExternalObject, FunctionValue, Instance, Value

_FOREIGN = frozenset({"respx", "responses", "click", "pytest"})
"""Packages with decorators of the same names."""
_STARTS = frozenset({"", "/", "{", "<", "^", "*"})
"""How the paths of routes start."""


class Decorators:
    """Recognizes decorators of frameworks.

    Args:
        resolver: Follows names to what they may be.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def entries_of(self, function: Function) -> Iterator[EntryPoint]:
        """Yield a function if a decorator registers it."""
        for decorator in function.decorators:
            kind = self.kind_of(decorator, function.parent or function)
            if kind is not None:
                bound = None if function.of_class is None else Instance(function.of_class, is_fresh=False)
                yield EntryPoint(FunctionValue(function, bound), kind, is_injected=kind == "a route")

    def kind_of(self, node: ast.expr, scope: NameScope) -> str | None:
        """Return what a decorator makes of its function; `None` where that serves no requests."""
        called = node.func if isinstance(node, ast.Call) else node
        kind = self._of_application(node, called, scope) if isinstance(called, ast.Attribute) else None
        if kind is not None:
            return kind
        values = self._resolver.values(called, scope)
        if self._is_task(called, values, scope):
            return "a task"
        known = [value for value in values if isinstance(value, External)]
        tops = {value.top for value in known}
        names = {last_name(called), *(value.last for value in known)}
        if any(value.name in families.ADMIN_DECORATORS for value in known):
            return "an admin page"
        if "receiver" in names and isinstance(node, ast.Call):
            signals = {last_name(one) for argument in node.args for one in ast.walk(argument)}
            return None if signals.isdisjoint(families.MODEL_SIGNALS) else "a signal's receiver"
        if names & families.VIEW_DECORATORS and tops & families.FRAMEWORKS:
            return "a view"
        return "a route" if names & families.METHODS and tops & {"litestar", "bottle"} else None

    def _of_application(self, node: ast.expr, called: ast.Attribute, scope: NameScope) -> str | None:
        """Return what a decorator of an application or router makes, such as `@app.get("/")`."""
        name = called.attr
        if name in {"on", "event"} and last_name(called.value).lower() in families.SOCKETS:
            return "a WebSocket handler"
        is_route = name in families.METHODS and isinstance(node, ast.Call) and _has_path(node)
        if not (is_route or name in families.HOOKS) or self._is_foreign(called.value, scope):
            return None
        if is_route:
            return "a WebSocket handler" if name.startswith("websocket") else "a route"
        return families.HOOKS[name]

    def _is_foreign(self, node: ast.expr, scope: NameScope) -> bool:
        """Return whether an object whose decorator is used is surely no application or router."""
        values = self._resolver.values(node, scope)
        tops = {_top(value) for value in values if isinstance(value, External | ExternalObject)}
        if tops & families.FRAMEWORKS or any(map(self._is_application, values)):
            return False
        return bool(tops & _FOREIGN) or any(
            isinstance(one, Instance | ClassValue | FunctionValue) for one in values
        )

    def _is_application(self, value: Value) -> bool:
        """Return whether a value is of a class of the tree that extends an application or router."""
        lineage = self._resolver.lineage(value.scope) if isinstance(value, Instance) else []
        return any(isinstance(one, External) and one.top in families.FRAMEWORKS for one in lineage)

    def _is_task(self, called: ast.expr, values: tuple[Value, ...], scope: NameScope) -> bool:
        name = last_name(called)
        tops = {_top(value) for value in values if isinstance(value, External | ExternalObject)}
        names = {name, *(one.last for one in values if isinstance(one, External))}
        if names & families.TASK_NAMES:
            return bool(tops & families.TASK_PACKAGES)
        if name != "task":
            return False
        if isinstance(called, ast.Name):
            return bool(tops & families.TASK_PACKAGES)
        if not isinstance(called, ast.Attribute) or tops & families.NOT_TASK_PACKAGES:
            return False
        if tops & families.TASK_PACKAGES:
            return True
        owner = self._resolver.values(called.value, scope)
        return not owner and any(
            word in last_name(called.value).lower() for word in ("celery", "app", "broker", "huey")
        )


def _top(value: External | ExternalObject) -> str:
    return value.top if isinstance(value, External) else value.of.top


def _has_path(node: ast.Call) -> bool:
    """Return whether a decorator is given a path, as one of a route is."""
    given = [*node.args[:1], *(word.value for word in node.keywords if word.arg in {"path", "rule", "uri"})]
    return any(
        not isinstance(one, ast.Constant) or (isinstance(one.value, str) and one.value[:1] in _STARTS)
        for one in given
    )
