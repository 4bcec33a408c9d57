"""Whether a call runs once because its result, or that it ran, is kept: `if _client is None: _client = OpenAI()`."""

import ast
from collections.abc import Iterable, Iterator
from typing import cast

from .resolving import Resolver, Self
from .scopes import Assigned, Class, Function, Module, NameScope, Owner, Parameter, last_name
from .values import External, ExternalObject, FunctionValue, Instance

_STORING = frozenset(
    {
        "set",
        "add",
        "append",
        "put",
        "put_nowait",
        "appendleft",
        "push",
        "register",
        "update",
        "setdefault",
        "insert",
    }
)
_OF_A_REQUEST = frozenset(
    {
        "request",
        "req",
        "websocket",
        "ws",
        "scope",
        "environ",
        "g",
        "session",
        "ctx",
        "context",
        "info",
        "event",
    }
    | {"message", "response", "self_request", "connection"}
)
_OF_THE_APPLICATION = frozenset({"app", "application", "current_app", "__class__", "extensions"})
_JUMPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_BLOCKS = ("body", "orelse", "finalbody", "handlers")


class Keeping:
    """Recognizes what runs once.

    Args:
        resolver: Follows names to what they may be.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def runs_once(self, node: ast.AST, owner: Owner, of: Self = None) -> bool:
        """Return whether a node of a function runs once for many calls of the function, or only as it starts.

        Args:
            node: The node.
            owner: The function.
            of: What it is bound to.
        """
        parents = owner.module.parents
        look = _Look(self._resolver, owner, of)
        child = node
        while child is not owner.node and (parent := parents.get(child)) is not None:
            if any(look.is_once(tests, block) for tests, block in _conditions(child, parent, parents)):
                return True
            child = parent
        return False


def _conditions(
    child: ast.AST, parent: ast.AST, parents: dict[ast.AST, ast.AST]
) -> Iterator[tuple[list[ast.AST], list[ast.stmt]]]:
    """Yield each condition under which a node runs, with the block that runs under it."""
    if isinstance(parent, ast.If | ast.While) and child is not parent.test:
        yield [parent.test], parent.body if child in parent.body else parent.orelse
    elif isinstance(parent, ast.IfExp | ast.BoolOp):
        others = [one for one in ast.iter_child_nodes(parent) if one is not child]
        yield others, _statement(parent, parents)
    elif isinstance(parent, ast.ExceptHandler):
        attempt = parents[parent]
        if isinstance(attempt, ast.Try):
            yield list(attempt.body), [*parent.body, *_after(attempt, parents.get(attempt))]
    if isinstance(child, ast.stmt):
        yield from _early_ends(child, parent)


def _early_ends(child: ast.stmt, parent: ast.AST) -> Iterator[tuple[list[ast.AST], list[ast.stmt]]]:
    """Yield the conditions before a statement that would have ended its block."""
    block = _block_of(child, parent)
    at = block.index(child) if child in block else 0
    for before in block[:at]:
        if isinstance(before, ast.If) and before.body and isinstance(before.body[-1], _JUMPS):
            yield [before.test], block[at:]
        elif isinstance(before, ast.Try | ast.With | ast.AsyncWith) and any(
            isinstance(one, ast.Return) for inner in before.body for one in ast.walk(inner)
        ):
            yield list(before.body), block[at:]


def _block_of(child: ast.stmt, parent: ast.AST) -> list[ast.stmt]:
    for name in _BLOCKS:
        block: object = getattr(parent, name, None)
        if isinstance(block, list) and child in block:
            return cast("list[ast.stmt]", block)
    return []


def _after(statement: ast.stmt, parent: ast.AST | None) -> list[ast.stmt]:
    block = [] if parent is None else _block_of(statement, parent)
    return block[block.index(statement) + 1 :] if statement in block else []


def _statement(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> list[ast.stmt]:
    while not isinstance(node, ast.stmt) and node in parents:
        node = parents[node]
    return [node] if isinstance(node, ast.stmt) else []


class _Look:
    """A look at the conditions of one function."""

    def __init__(self, resolver: Resolver, owner: Owner, of: Self) -> None:
        self.resolver = resolver
        self.owner = owner
        self.of = of

    def is_once(self, tests: Iterable[ast.AST], block: Iterable[ast.stmt]) -> bool:
        """Return whether a condition asks for what its block stores where it lasts, or for the start of a server."""
        tests = list(tests)
        if any(
            isinstance(one, ast.Constant) and one.value == "lifespan"
            for test in tests
            for one in ast.walk(test)
        ):
            return True
        stored = set(self.stored(block))
        return bool(stored) and not stored.isdisjoint(self.mentioned(tests))

    def stored(self, block: Iterable[ast.stmt]) -> Iterator[str]:
        """Yield the lasting places that a block stores something in."""
        for statement in block:
            for node in ast.walk(statement):
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        yield from self.place(target)
                elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
                    yield from self.place(node.target)
                elif isinstance(node, ast.Call):
                    yield from self.stored_by(node)

    def place(self, target: ast.expr) -> Iterator[str]:
        if isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                yield from self.place(one)
        elif isinstance(target, ast.Name):
            if target.id in self.owner.outer:
                yield target.id
        elif isinstance(target, ast.Attribute | ast.Subscript) and self.lasts(target.value):
            yield ast.unparse(target.value if isinstance(target, ast.Subscript) else target)

    def stored_by(self, node: ast.Call) -> Iterator[str]:
        name = last_name(node)
        if name in {"setattr", "__setattr__"} and len(node.args) > 1:
            yield from self.attribute(node.args[-3 if len(node.args) > 2 else 0], node.args[-2])  # noqa: PLR2004
        elif isinstance(node.func, ast.Attribute) and name in _STORING and self.lasts(node.func.value):
            yield ast.unparse(node.func.value)
        for value in self.resolver.values(node.func, self.owner, self.of):
            if isinstance(value, FunctionValue):
                yield from value.scope.outer
                yield from _assigned_to_self(value, node)

    def attribute(self, of: ast.expr, name: ast.expr) -> Iterator[str]:
        if isinstance(name, ast.Constant) and self.lasts(of):
            yield f"{ast.unparse(of)}.{name.value!s}"

    def mentioned(self, tests: Iterable[ast.AST], depth: int = 0) -> Iterator[str]:
        """Yield the places that conditions ask for, those included that local names were read from."""
        for test in tests:
            for node in ast.walk(test):
                if isinstance(node, ast.Attribute | ast.Name):
                    yield ast.unparse(node)
                if isinstance(node, ast.Name) and depth < 3:  # noqa: PLR2004
                    read = [
                        one.value
                        for one in self.owner.bindings.get(node.id, ())
                        if isinstance(one, Assigned) and one.value is not test
                    ]
                    yield from self.mentioned(read, depth + 1)
                elif isinstance(node, ast.Call):
                    yield ast.unparse(node)
                    yield from self.asked_by(node)

    def asked_by(self, node: ast.Call) -> Iterator[str]:
        if last_name(node) in {"hasattr", "getattr"} and len(node.args) > 1:
            if isinstance(node.args[1], ast.Constant):
                yield f"{ast.unparse(node.args[0])}.{node.args[1].value!s}"
            return
        for value in self.resolver.values(node.func, self.owner, self.of):
            if isinstance(value, FunctionValue):
                for returned, _ in value.scope.returned:
                    yield from (ast.unparse(one) for one in ast.walk(returned) if isinstance(one, ast.Name))

    def lasts(self, node: ast.expr) -> bool:
        """Return whether a place outlives a request."""
        while True:
            if isinstance(node, ast.Attribute):
                if node.attr in _OF_THE_APPLICATION:
                    return True
                node = node.value
            elif isinstance(node, ast.Subscript):
                if isinstance(node.slice, ast.Constant) and node.slice.value in _OF_THE_APPLICATION:
                    return True
                node = node.value
            elif isinstance(node, ast.Call):
                if last_name(node) in {"type", "globals"}:
                    return True
                if last_name(node)[:1].isupper():
                    return False
                if any(isinstance(one, Instance) and one.is_fresh for one in self.values(node)):
                    return False
                node = node.func
            elif isinstance(node, ast.Await):
                node = node.value
            else:
                return isinstance(node, ast.Name) and self.name_lasts(node)

    def values(self, node: ast.expr) -> tuple[object, ...]:
        return self.resolver.values(node, self.owner, self.of)

    def name_lasts(self, node: ast.Name) -> bool:
        at: NameScope | None = self.owner
        while at is not None and node.id not in at.bindings:
            at = at.parent
        if at is None or isinstance(at, Module | Class):
            return not any(_is_of_request(one) for one in self.values(node))
        if at is not self.owner or node.id in self.owner.outer:
            return node.id not in _OF_A_REQUEST
        return any(self.binding_lasts(binding, node.id) for binding in at.bindings[node.id])

    def binding_lasts(self, binding: object, name: str) -> bool:
        if isinstance(binding, Parameter):
            owner = self.owner
            if binding.position == 0 and isinstance(owner, Function) and owner.takes_self:
                return not (isinstance(self.of, Instance) and self.of.is_fresh)
            return name not in _OF_A_REQUEST
        if isinstance(binding, Assigned):
            if isinstance(binding.value, ast.Name) and binding.value.id == name:
                return False
            return self.lasts(binding.value)
        return True


def _assigned_to_self(value: FunctionValue, node: ast.Call) -> Iterator[str]:
    """Yield the attributes of the object that a method of it sets, as its caller writes them."""
    if value.scope.of_class is None or not isinstance(node.func, ast.Attribute):
        return
    if isinstance(value.of, Instance) and value.of.is_fresh:
        return
    owner = ast.unparse(node.func.value)
    for name, assigned in value.scope.of_class.attributes().items():
        if any(one.scope is value.scope for one in assigned):
            yield f"{owner}.{name}"


def _is_of_request(value: object) -> bool:
    """Return whether a value is one of Flask's proxies of a request, or a context variable."""
    external = value.of if isinstance(value, ExternalObject) else value
    if not isinstance(external, External):
        return False
    return (
        external.top in {"flask", "quart"} and external.last in {"g", "request", "session", "websocket"}
    ) or (external.last == "ContextVar")
