"""Follows calls from the functions that serve requests to the constructions of clients."""

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import families
from .clients import ClientClasses
from .entry import EntryPoint
from .given import given_by, is_for_missing
from .keepers import is_once, keeps
from .keeping import Keeping
from .resolving import Resolver
from .scopes import Class, Function, NameScope, Owner, Parameter
from .singletons import is_initialized_once, is_singleton
from .values import ClassValue, External, FunctionValue, Instance, Partial, Value

_MAKING = ("__new__", "__init__", "__post_init__", "__attrs_post_init__", "model_post_init")
_ENTERING = ("__enter__", "__aenter__", "__exit__", "__aexit__")
_FACTORIES = frozenset({"default_factory", "factory"})


@dataclass(frozen=True, slots=True)
class Construction:
    """A construction of a client that a request reaches.

    Attributes:
        node: The call, or what is called later on.
        client: The class, as its package names it.
        owner: Where it is.
        entry: The function that serves the request.
    """

    node: ast.expr
    client: str
    owner: Owner
    entry: EntryPoint


class Reaching:
    """Walks from entries to constructions, each function once for each kind of object that it is bound to."""

    def __init__(self, resolver: Resolver, clients: ClientClasses) -> None:
        self._resolver = resolver
        self._clients = clients
        self._keeping = Keeping(resolver)
        self._left: deque[tuple[FunctionValue, EntryPoint, frozenset[str]]] = deque()
        self._seen = set[tuple[FunctionValue, frozenset[str]]]()
        self._built: dict[ast.expr, Construction] = {}

    def walk(self, entries: Iterable[EntryPoint]) -> list[Construction]:
        """Return the constructions, each with the entry that is nearest to it."""
        for entry in entries:
            self._reach(entry.function, entry)
            if entry.is_injected:
                self._inject(entry)
        while self._left:
            self._enter(*self._left.popleft())
        return list(self._built.values())

    def _reach(self, called: FunctionValue, entry: EntryPoint, by: ast.expr | None = None) -> None:
        given = given_by(by, called.scope) if isinstance(by, ast.Call) else frozenset[str]()
        if (called, given) not in self._seen:
            self._seen.add((called, given))
            self._left.append((called, entry, given))

    def _inject(self, entry: EntryPoint) -> None:
        """Follow the classes whose objects a framework makes for the parameters of a function."""
        function = entry.function.scope
        for bindings in function.bindings.values():
            for one in bindings:
                if isinstance(one, Parameter) and one.annotation is not None and one.default is None:
                    for value in self._resolver.values(one.annotation, function.parent or function):
                        if isinstance(value, ClassValue) and self._clients.name_of(value) is None:
                            self._fields(value.scope, entry)

    def _enter(self, called: FunctionValue, entry: EntryPoint, given: frozenset[str]) -> None:
        function, of = called.scope, called.of
        fresh = isinstance(of, Instance) and of.is_fresh
        if is_once(function, is_fresh=fresh) or self._is_kept_by_decorator(called, entry):
            return
        for node, scope in function.nodes:
            if is_for_missing(node, function, given):
                continue
            if isinstance(node, ast.Call):
                self._call(node, scope, called, entry)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self._read(node, scope, called, entry)
            elif isinstance(node, ast.With | ast.AsyncWith):
                for item in node.items:
                    self._methods(self._resolver.values(item.context_expr, scope, of), _ENTERING, entry)

    def _is_kept_by_decorator(self, called: FunctionValue, entry: EntryPoint) -> bool:
        """Follow the decorators of the tree, and return whether one of them calls the function only once."""
        function = called.scope
        for decorator in function.decorators:
            if keeps(decorator):
                continue
            for value in self._resolver.values(decorator, function.parent or function):
                if not isinstance(value, FunctionValue):
                    continue
                for wrapper in self._resolver.returned(value):
                    if isinstance(wrapper, FunctionValue) and wrapper.scope is not function:
                        self._reach(wrapper, entry)
                if self._calls_once(value.scope, value.scope.arguments[:1]):
                    return True
        return False

    def _calls_once(self, decorator: Function, names: list[str]) -> bool:
        """Return whether a function, and those inside of it, call a parameter at all, and only once for many calls."""
        found = [
            self._keeping.runs_once(node, inner)
            for inner in decorator.module.functions
            if inner is decorator or _is_inside(inner, decorator)
            for node, _ in inner.nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        ]
        return bool(found) and all(found)

    def _call(self, node: ast.Call, scope: NameScope, called: FunctionValue, entry: EntryPoint) -> None:
        of = called.of
        values = self._resolver.values(node.func, scope, of)
        if not values or self._keeping.runs_once(node, called.scope, of):
            return
        for value in values:
            self._use(value, node, called.scope, entry)
            if isinstance(value, External) and value.last in families.RUNNING:
                for argument in _arguments(node):
                    for given in self._resolver.values(argument, scope, of):
                        if not isinstance(given, External) or self._clients.name_of(given):
                            self._use(given, argument, called.scope, entry)
            elif isinstance(value, FunctionValue):
                self._pass(value, node, scope, called, entry)

    def _use(self, value: Value, node: ast.expr, owner: Owner, entry: EntryPoint) -> None:
        """Follow what a call calls."""
        client = self._clients.name_of(value)
        if client is not None:
            self._built.setdefault(node, Construction(node, client, owner, entry))
        elif isinstance(value, Partial):
            self._use(value.of, node, owner, entry)
        elif isinstance(value, FunctionValue):
            self._reach(value, entry, node)
        elif isinstance(value, Instance):
            self._methods([value], ("__call__",), entry, node)
        elif isinstance(value, ClassValue):
            self._make(value.scope, entry, node)

    def _make(self, scope: Class, entry: EntryPoint, by: ast.expr) -> None:
        """Follow the construction of an object of the tree."""
        is_kept = is_singleton(scope, self._resolver)
        if is_kept and (scope.method("__new__") is None or is_initialized_once(scope, self._resolver)):
            return
        made = Instance(scope, is_fresh=not is_kept)
        self._methods([made], _MAKING, entry, by)
        self._fields(scope, entry)

    def _fields(self, scope: Class, entry: EntryPoint) -> None:
        """Follow what makes the values of fields: `field(default_factory=...)`."""
        for base in self._resolver.lineage(scope):
            if not isinstance(base, Class):
                continue
            for statement in base.definition.body:
                for node in ast.walk(statement) if isinstance(statement, ast.AnnAssign | ast.Assign) else ():
                    for word in node.keywords if isinstance(node, ast.Call) else ():
                        if word.arg in _FACTORIES:
                            for value in self._resolver.values(word.value, base):
                                self._use(value, word.value, _owner_of(base), entry)

    def _methods(
        self, values: Iterable[Value], names: Iterable[str], entry: EntryPoint, by: ast.expr | None = None
    ) -> None:
        for value in values:
            if isinstance(value, Instance) and self._clients.name_of(ClassValue(value.scope)) is None:
                for name in names:
                    for method in self._resolver.members(value, name):
                        if isinstance(method, FunctionValue):
                            self._reach(method, entry, by)

    def _pass(
        self, value: FunctionValue, node: ast.Call, scope: NameScope, called: FunctionValue, entry: EntryPoint
    ) -> None:
        """Follow functions that are passed to one of the tree which calls them."""
        names = value.scope.arguments
        pairs = [
            *zip(names, node.args, strict=False),
            *((word.arg, word.value) for word in node.keywords if word.arg),
        ]
        for name, argument in pairs:
            given = [
                one
                for one in self._resolver.values(argument, scope, called.of)
                if isinstance(one, FunctionValue | ClassValue | Partial) or self._clients.name_of(one)
            ]
            if given and self._calls(value.scope, name):
                for one in given:
                    self._use(one, argument, called.scope, entry)

    def _calls(self, function: Function, name: str) -> bool:
        """Return whether a function calls a parameter each time."""
        return any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == name
            and not self._keeping.runs_once(node, function)
            for node, _ in function.nodes
        ) and not is_once(function, is_fresh=None)

    def _read(self, node: ast.Attribute, scope: NameScope, called: FunctionValue, entry: EntryPoint) -> None:
        """Follow the properties of objects of the tree."""
        for value in self._resolver.values(node.value, scope, called.of):
            if isinstance(value, Instance):
                for method in self._resolver.properties(value, node.attr):
                    if not self._keeping.runs_once(node, called.scope, called.of):
                        self._reach(method, entry)


def _arguments(node: ast.Call) -> Iterator[ast.expr]:
    yield from node.args
    yield from (word.value for word in node.keywords if word.arg in {"target", "func", "function", "key"})


def _is_inside(function: Function, outer: Function) -> bool:
    at: NameScope | None = function.parent
    while at is not None and at is not outer:
        at = at.parent
    return at is outer


def _owner_of(scope: NameScope) -> Owner:
    at: NameScope = scope
    while not isinstance(at, Owner) and at.parent is not None:
        at = at.parent
    return at if isinstance(at, Owner) else scope.module
