"""Finds the functions that serve requests: routes, views, dependencies, middleware, hooks and tasks."""

import ast
from collections.abc import Iterable, Iterator

from . import families
from .entry import Entry
from .resolving import Resolver
from .scopes import Assigned, Class, Function, Module, Scope, last_name
from .values import ClassValue, External, ExternalObject, FunctionValue, Instance, Partial, Value
from .viewclasses import methods_of

_ASGI, _WSGI = ["scope", "receive", "send"], ["environ", "start_response"]


class Entries:
    """Recognizes the functions that serve requests, by how frameworks are told of them.

    Args:
        resolver: Follows names to what they may be.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(self, module: Module) -> Iterator[Entry]:
        """Yield what a module has or registers."""
        for function in module.functions:
            yield from self._decorated(function)
            yield from _by_signature(function)
        for found in module.classes:
            yield from methods_of(found, self._resolver)
        for owner in module.owners():
            for node, scope in owner.nodes:
                if isinstance(node, ast.Call):
                    yield from self._registered(node, scope)
        yield from self._named_in_settings(module)

    def _decorated(self, function: Function) -> Iterator[Entry]:
        for decorator in function.decorators:
            kind = self._kind_of(decorator, function.parent or function)
            if kind is not None:
                bound = None if function.of_class is None else Instance(function.of_class, is_fresh=False)
                yield Entry(FunctionValue(function, bound), kind, is_injected=kind == "a route")

    def _kind_of(self, node: ast.expr, scope: Scope) -> str | None:
        called = node.func if isinstance(node, ast.Call) else node
        name = last_name(called)
        if isinstance(called, ast.Attribute):
            if name in families.METHODS and isinstance(node, ast.Call) and _has_path(node):
                if self._is_foreign(called.value, scope):
                    return None
                return "a WebSocket handler" if name.startswith("websocket") else "a route"
            if name in families.HOOKS and not self._is_foreign(called.value, scope):
                return families.HOOKS[name]
            if name in {"on", "event"} and last_name(called.value).lower() in families.SOCKETS:
                return "a WebSocket handler"
        values = self._resolver.values(called, scope)
        if self._is_task(called, values, scope):
            return "a task"
        if name == "receiver" and isinstance(node, ast.Call):
            signals = {last_name(one) for argument in node.args for one in ast.walk(argument)}
            return None if signals.isdisjoint(families.MODEL_SIGNALS) else "a signal's receiver"
        tops = {value.top for value in values if isinstance(value, External)}
        if name in families.VIEW_DECORATORS and tops & families.FRAMEWORKS:
            return "a view"
        if name in families.METHODS and tops & {"litestar", "bottle"}:
            return "a route"
        return None

    def _is_foreign(self, node: ast.expr, scope: Scope) -> bool:
        """Return whether an object whose decorator is used is surely no application or router."""
        values = self._resolver.values(node, scope)
        return any(
            isinstance(value, Instance | ClassValue | FunctionValue)
            or (isinstance(value, External | ExternalObject) and _top(value) in {"respx", "responses", "click", "pytest"})
            for value in values
        ) and not any(isinstance(value, ExternalObject) and _top(value) in families.FRAMEWORKS for value in values) and not (
            self._is_application(values)
        )

    def _is_application(self, values: Iterable[Value]) -> bool:
        """Return whether one of the values is of a class of the tree that extends an application or router."""
        return any(
            isinstance(value, Instance)
            and any(isinstance(one, External) and one.top in families.FRAMEWORKS for one in self._resolver.lineage(value.scope))
            for value in values
        )

    def _is_task(self, called: ast.expr, values: tuple[Value, ...], scope: Scope) -> bool:
        name = last_name(called)
        tops = {_top(value) for value in values if isinstance(value, External | ExternalObject)}
        if name in families.TASK_NAMES:
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
        return not owner and any(word in last_name(called.value).lower() for word in ("celery", "app", "broker", "huey"))

    def _registered(self, node: ast.Call, scope: Scope) -> Iterator[Entry]:
        name = last_name(node)
        kind = self._registering(node, name, scope)
        if kind is None:
            return
        for argument in [*node.args, *(word.value for word in node.keywords if word.arg != "name")]:
            for value in self._given(argument, scope):
                yield from self._served(value, kind)
        if name in {"Depends", "Security"} and not node.args:
            yield from self._annotated(node, scope)

    def _registering(self, node: ast.Call, name: str, scope: Scope) -> str | None:
        if isinstance(node.func, ast.Attribute) and name in families.REGISTERING:
            return families.REGISTERING[name]
        if isinstance(node.func, ast.Call):  # app.get("/")(function)
            return self._kind_of(node.func, scope)
        if name in families.BUILDING:
            tops = {value.top for value in self._resolver.values(node.func, scope) if isinstance(value, External)}
            if tops & families.FRAMEWORKS:
                return families.BUILDING[name]
        return None

    def _given(self, node: ast.expr, scope: Scope) -> Iterator[Value]:
        """Yield the functions and classes in an argument, also inside of calls that wrap them."""
        if isinstance(node, ast.List | ast.Tuple):
            for one in node.elts:
                yield from self._given(one, scope)
            return
        found = self._resolver.values(node, scope)
        served = [value for value in found if not isinstance(value, External | ExternalObject)]
        yield from served
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in {"as_view", "as_asgi"}:
                yield from self._resolver.values(node.func.value, scope)
            elif not served and last_name(node) not in families.BUILDING:
                for one in node.args:
                    yield from self._given(one, scope)

    def _served(self, value: Value, kind: str) -> Iterator[Entry]:
        if isinstance(value, Partial):
            yield from self._served(value.of, kind)
        elif isinstance(value, FunctionValue):
            yield Entry(value, kind, is_injected=kind in {"a route", "a dependency"})
        elif isinstance(value, Instance):
            for one in self._resolver.members(value, "__call__"):
                if isinstance(one, FunctionValue):
                    yield Entry(one, kind, is_injected=True)
        elif isinstance(value, ClassValue):
            fresh = kind == "a dependency"
            bound = Instance(value.scope, is_fresh=fresh)
            for name in ("__init__", "__post_init__", "__new__") if fresh else families.MIDDLEWARE_METHODS:
                for one in self._resolver.members(bound, name):
                    if isinstance(one, FunctionValue):
                        yield Entry(one, kind, is_injected=fresh)

    def _annotated(self, node: ast.Call, scope: Scope) -> Iterator[Entry]:
        """Yield what `Depends()` without an argument makes: an object of the annotation's class."""
        function = node
        parents = scope.module.parents
        around = parents.get(function)
        annotations: list[ast.expr] = []
        if isinstance(around, ast.Tuple):
            annotations = around.elts[:1]
        elif isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef):
            found = scope.module.scopes.get(around)
            if found is not None:
                annotations = [
                    one.annotation
                    for bindings in found.bindings.values()
                    for one in bindings
                    if getattr(one, "default", None) is node and getattr(one, "annotation", None) is not None
                ]  # type: ignore[union-attr, misc]
        for annotation in annotations:
            for value in self._resolver.values(annotation, scope):
                yield from self._served(value, "a dependency")

    def _named_in_settings(self, module: Module) -> Iterator[Entry]:
        for binding in module.bindings.get("MIDDLEWARE", ()):
            if not isinstance(binding, Assigned):
                continue
            for node in ast.walk(binding.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                    yield from self._middleware(node.value, module)

    def _middleware(self, dotted: str, importer: Module) -> Iterator[Entry]:
        where, _, name = dotted.rpartition(".")
        module = self._resolver.modules.absolute(where, importer)
        for value in () if module is None else self._resolver.named(name, module):
            if isinstance(value, FunctionValue):  # which is given the next one, and returns what serves requests
                for inner in self._resolver.returned(value):
                    if isinstance(inner, FunctionValue):
                        yield Entry(inner, "a middleware")
            else:
                yield from self._served(value, "a middleware")


def _top(value: External | ExternalObject) -> str:
    return value.top if isinstance(value, External) else value.of.top


def _has_path(node: ast.Call) -> bool:
    """Return whether a decorator is given a path, as one of a route is."""
    given = [*node.args[:1], *(word.value for word in node.keywords if word.arg in {"path", "rule", "uri"})]
    return any(
        not isinstance(one, ast.Constant) or (isinstance(one.value, str) and one.value[:1] in {"", "/", "{", "<", "^", "*"})
        for one in given
    )


def _by_signature(function: Function) -> Iterator[Entry]:
    """Yield a function that is an application or a view by its parameters."""
    names = function.arguments
    bound = None if function.of_class is None else Instance(function.of_class, is_fresh=False)
    if names == _ASGI and (function.of_class is None or function.name.endswith("__call__")):
        yield Entry(FunctionValue(function, bound), "an ASGI application")
    elif names == _WSGI and (function.of_class is None or function.name.endswith("__call__")):
        yield Entry(FunctionValue(function, bound), "a WSGI application")
    elif _is_inner_middleware(function):
        yield Entry(FunctionValue(function), "a middleware")
    elif names[:1] == ["request"] and function.of_class is None and isinstance(function.parent, Module):
        node = function.node
        annotations = [] if isinstance(node, ast.Lambda) else [node.returns, *(one.annotation for one in node.args.args[:1])]
        named = [last_name(one) for one in annotations if one is not None]
        in_views = any(part == "views" for part in function.module.parts[-2:])
        responds = any(name == "HttpRequest" or name.endswith("HttpResponse") for name in named)
        is_private = function.name.startswith("_")
        if (in_views and not is_private) or responds:
            yield Entry(FunctionValue(function), "a view")


def _is_inner_middleware(function: Function) -> bool:
    """Return whether a function is what a middleware of Django returns: it is inside of one that takes `get_response`."""
    outer = function.parent
    if not isinstance(outer, Function) or isinstance(function.node, ast.Lambda):
        return False
    return outer.arguments[:1] == ["get_response"] and function.arguments[:1] == ["request"]
