"""Finds the functions that serve requests: routes, views, dependencies, middleware, hooks and tasks."""

import ast
from collections.abc import Iterator

from . import families
from .decorators import Decorators
from .entry import EntryPoint
from .resolving import Resolver
from .scopes import Assigned, Module, NameScope, Parameter, last_name
from .signatures import served_by_signature
from .values import ClassValue, External, ExternalObject, FunctionValue, Instance, Partial, Value
from .viewclasses import methods_of


class EntryPoints:
    """Recognizes the functions that serve requests, by how frameworks are told of them.

    Args:
        resolver: Follows names to what they may be.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._decorators = Decorators(resolver)

    def of(self, module: Module) -> Iterator[EntryPoint]:
        """Yield what a module has or registers."""
        for function in module.functions:
            yield from self._decorators.entries_of(function)
            yield from served_by_signature(function)
        for found in module.classes:
            yield from methods_of(found, self._resolver)
        for owner in module.owners():
            for node, scope in owner.nodes:
                if isinstance(node, ast.Call):
                    yield from self._registered(node, scope)
        yield from self._named_in_settings(module)

    def _registered(self, node: ast.Call, scope: NameScope) -> Iterator[EntryPoint]:
        name = last_name(node)
        kind = self._registering(node, name, scope)
        if kind is None:
            return
        for argument in [*node.args, *(word.value for word in node.keywords if word.arg != "name")]:
            for value in self._given(argument, scope):
                yield from self._served(value, kind)
        if name in {"Depends", "Security"} and not node.args:
            yield from self._annotated(node, scope)

    def _registering(self, node: ast.Call, name: str, scope: NameScope) -> str | None:
        if isinstance(node.func, ast.Attribute) and name in families.REGISTERING:
            return families.REGISTERING[name]
        if isinstance(node.func, ast.Call):  # app.get("/")(function)
            return self._decorators.kind_of(node.func, scope)
        if name in families.BUILDING:
            tops = {
                value.top for value in self._resolver.values(node.func, scope) if isinstance(value, External)
            }
            if tops & families.FRAMEWORKS:
                return families.BUILDING[name]
        return None

    def _given(self, node: ast.expr, scope: NameScope) -> Iterator[Value]:
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

    def _served(self, value: Value, kind: str) -> Iterator[EntryPoint]:
        if isinstance(value, Partial):
            yield from self._served(value.of, kind)
        elif isinstance(value, FunctionValue):
            yield EntryPoint(value, kind, is_injected=kind in {"a route", "a dependency"})
        elif isinstance(value, Instance):
            for one in self._resolver.members(value, "__call__"):
                if isinstance(one, FunctionValue):
                    yield EntryPoint(one, kind, is_injected=True)
        elif isinstance(value, ClassValue):
            fresh = kind == "a dependency"
            bound = Instance(value.scope, is_fresh=fresh)
            for name in ("__init__", "__post_init__", "__new__") if fresh else families.MIDDLEWARE_METHODS:
                for one in self._resolver.members(bound, name):
                    if isinstance(one, FunctionValue):
                        yield EntryPoint(one, kind, is_injected=fresh)

    def _annotated(self, node: ast.Call, scope: NameScope) -> Iterator[EntryPoint]:
        """Yield what `Depends()` without an argument makes: an object of the annotation's class."""
        around = scope.module.parents.get(node)
        annotations: list[ast.expr] = around.elts[:1] if isinstance(around, ast.Tuple) else []
        found = (
            scope.module.scopes.get(around)
            if isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef)
            else None
        )
        bindings = [] if found is None else [one for several in found.bindings.values() for one in several]
        annotations += [
            one.annotation
            for one in bindings
            if isinstance(one, Parameter) and one.default is node and one.annotation is not None
        ]
        for annotation in annotations:
            for value in self._resolver.values(annotation, scope):
                made = ClassValue(value.scope) if isinstance(value, Instance) else value
                yield from self._served(made, "a dependency")

    def _named_in_settings(self, module: Module) -> Iterator[EntryPoint]:
        for binding in module.bindings.get("MIDDLEWARE", ()):
            if not isinstance(binding, Assigned):
                continue
            for node in ast.walk(binding.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                    yield from self._middleware(node.value, module)

    def _middleware(self, dotted: str, importer: Module) -> Iterator[EntryPoint]:
        where, _, name = dotted.rpartition(".")
        module = self._resolver.modules.absolute(where, importer)
        for value in () if module is None else self._resolver.named(name, module):
            if isinstance(
                value, FunctionValue
            ):  # which is given the next one, and returns what serves requests
                for inner in self._resolver.returned(value):
                    if isinstance(inner, FunctionValue):
                        yield EntryPoint(inner, "a middleware")
            else:
                yield from self._served(value, "a middleware")
