"""Finds the scopes of a syntax tree and the names in them."""

import ast
from collections.abc import Iterable

from .scopes import (
    AnyFunction,
    Assigned,
    Binding,
    Class,
    Function,
    Imported,
    Module,
    NameScope,
    Opaque,
    Owner,
    Parameter,
)

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_KEPT = (ast.Call, ast.Attribute, ast.With, ast.AsyncWith)
_OPAQUE = Opaque()


def build(tree: ast.Module, path: str, parts: tuple[str, ...], lines: list[str]) -> Module:
    """Return a module with all its scopes."""
    is_package = parts[-1] == "__init__"
    module = Module(tree, None, None, "", path=path, parts=parts[:-1] if is_package else parts, lines=lines)  # type: ignore[arg-type]
    module.module = module
    module.is_package = is_package
    _Builder(module).run(tree)
    return module


class _Builder:
    """Walks a tree without recursion, which deep expressions would exhaust."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.left: list[tuple[ast.AST, NameScope, Owner]] = []

    def run(self, tree: ast.Module) -> None:
        self.add(tree.body, tree, self.module, self.module)
        while self.left:
            node, scope, owner = self.left.pop()
            self.visit(node, scope, owner)

    def add(self, nodes: Iterable[ast.AST | None], parent: ast.AST, scope: NameScope, owner: Owner) -> None:
        found = [node for node in nodes if node is not None]
        for node in found:
            self.module.parents[node] = parent
        self.left.extend((node, scope, owner) for node in reversed(found))

    def visit(self, node: ast.AST, scope: NameScope, owner: Owner) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            self.function(node, scope, owner)
        elif isinstance(node, ast.ClassDef):
            self.class_(node, scope, owner)
        elif isinstance(node, _COMPREHENSIONS):
            inner = NameScope(node, self.module, scope, scope.name)
            for generator in node.generators:
                _bind_opaquely(generator.target, inner)
            self.add(ast.iter_child_nodes(node), node, inner, owner)
        else:
            self.bind(node, scope, owner)
            if isinstance(node, _KEPT):
                owner.nodes.append((node, scope))
            self.add(ast.iter_child_nodes(node), node, scope, owner)

    def function(self, node: AnyFunction, scope: NameScope, owner: Owner) -> None:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        function = Function(node, self.module, scope, _below(scope, name))
        if isinstance(scope, Class) and not isinstance(node, ast.Lambda):
            function.of_class = scope
        self.module.functions.append(function)
        self.module.scopes[node] = function
        _bind_parameters(node.args, function)
        self.add([*node.args.defaults, *node.args.kw_defaults], node, scope, owner)
        if isinstance(node, ast.Lambda):
            function.returned.append((node.body, function))
            self.add([node.body], node, function, function)
            return
        _bind(node.name, function, scope)
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        self.add([one.annotation for one in arguments], node, scope, owner)
        self.add([*node.decorator_list, node.returns], node, scope, owner)
        self.add(node.body, node, function, function)

    def class_(self, node: ast.ClassDef, scope: NameScope, owner: Owner) -> None:
        found = Class(node, self.module, scope, _below(scope, node.name))
        self.module.classes.append(found)
        self.module.scopes[node] = found
        _bind(node.name, found, scope)
        self.add([*node.decorator_list, *node.bases, *node.keywords], node, scope, owner)
        self.add(node.body, node, found, owner)

    def bind(self, node: ast.AST, scope: NameScope, owner: Owner) -> None:
        """Bind the names that a node gives a value, and note what a function returns."""
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.Assign():
                for target in node.targets:
                    _assign(target, node.value, scope)
            case ast.AnnAssign() | ast.AugAssign() if node.value is not None:
                _assign(node.target, node.value, scope)
            case ast.NamedExpr():
                _assign(node.target, node.value, _around_comprehensions(scope))
            case ast.withitem(optional_vars=ast.expr() as target):
                _assign(target, node.context_expr, scope)
            case ast.For() | ast.AsyncFor():
                _bind_opaquely(node.target, scope)
            case ast.ExceptHandler(name=str(name)):
                _bind(name, _OPAQUE, scope)
            case ast.Global() | ast.Nonlocal():
                scope.outer.update(node.names)
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                if isinstance(owner, Function):
                    owner.returned.append((value, scope))
            case _:
                pass

    def _import(self, node: ast.Import | ast.ImportFrom, scope: NameScope) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                _bind(alias.asname or whole, Imported(whole, 0, None), scope)
            elif alias.name == "*":
                self.module.stars.append((node.module or "", node.level))
            else:
                _bind(alias.asname or alias.name, Imported(node.module or "", node.level, alias.name), scope)


def _below(scope: NameScope, name: str) -> str:
    return f"{scope.name}.{name}" if scope.name else name


def _around_comprehensions(scope: NameScope) -> NameScope:
    while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
        scope = scope.parent
    return scope


def _bind(name: str, binding: Binding, scope: NameScope) -> None:
    """Bind a name where it belongs: in the module if it is declared `global`."""
    scope.bind(name, binding)
    if name in scope.outer and not isinstance(scope, Module):
        scope.module.bind(name, binding)


def _assign(target: ast.expr, value: ast.expr, scope: NameScope) -> None:
    if isinstance(target, ast.Name):
        _bind(target.id, Assigned(value, scope), scope)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        function: NameScope | None = scope
        if isinstance(function, Function) and function.of_class is not None:
            taken = function.definition.args
            first = [*taken.posonlyargs, *taken.args][:1]
            if first and first[0].arg == target.value.id:
                found = function.of_class.attributes()
                found.setdefault(target.attr, []).append(Assigned(value, scope))
    elif isinstance(target, ast.Tuple | ast.List):
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
            for one, its in zip(target.elts, value.elts, strict=True):
                _assign(one, its, scope)
        else:
            _bind_opaquely(target, scope)


def _bind_opaquely(target: ast.AST, scope: NameScope) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            _bind(node.id, _OPAQUE, scope)


def _bind_parameters(taken: ast.arguments, function: Function) -> None:
    positional = [*taken.posonlyargs, *taken.args]
    missing = len(positional) - len(taken.defaults)
    for position, one in enumerate(positional):
        default = taken.defaults[position - missing] if position >= missing else None
        function.bind(one.arg, Parameter(one.annotation, default, position))
    for one, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
        function.bind(one.arg, Parameter(one.annotation, default, None))
    for rest in (taken.vararg, taken.kwarg):
        if rest is not None:
            function.bind(rest.arg, _OPAQUE)
