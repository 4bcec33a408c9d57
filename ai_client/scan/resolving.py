"""The values of the expressions of a tree: names, attributes and calls followed through its modules."""

import ast
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from . import families
from .importing import Imports
from .keepers import is_once, is_property
from .modules import Modules
from .scopes import Assigned, Binding, Class, Function, Imported, Module, NameScope, Opaque, Parameter
from .shapes import as_kept, as_object, displays, last_of, runs_later
from .singletons import is_singleton
from .values import ClassValue, External, ExternalObject, FunctionValue, Instance, ModuleValue, Partial, Value

Self: TypeAlias = Instance | ClassValue | None
"""The object or class to which the method is bound that an expression stands in."""
_DEEPEST = 40


class Resolver:
    """Follows expressions to what they may be.

    Args:
        modules: The modules of the tree.
    """

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._imports = Imports(modules, self.named)
        self._found: dict[tuple[ast.expr, Self], tuple[Value, ...]] = {}
        self._open = set[tuple[ast.expr, Self]]()
        self._cuts = 0
        """How often a circle was cut, after which what was found may be less than there is."""

    def values(self, node: ast.expr, scope: NameScope, of: Self = None) -> tuple[Value, ...]:
        """Return what an expression may be; nothing where that is unknown.

        Args:
            node: The expression.
            scope: The scope that it stands in.
            of: What the method around it is bound to.
        """
        key = node, of
        found = self._found.get(key)
        if found is not None:
            return found
        if key in self._open or len(self._open) > _DEEPEST:
            self._cuts += 1
            return ()
        cuts = self._cuts + self._imports.cuts
        self._open.add(key)
        try:
            found = tuple(dict.fromkeys(self._values(node, scope, of)))
        finally:
            self._open.discard(key)
        if not self._open or cuts == self._cuts + self._imports.cuts:
            self._found[key] = found
        return found

    def _values(  # noqa: C901, PLR0911, PLR0912 - one case for each kind of expression
        self, node: ast.expr, scope: NameScope, of: Self
    ) -> Iterable[Value]:
        match node:
            case ast.Name():
                return self.named(node.id, scope, of)
            case ast.Attribute():
                return self._attributes(self.values(node.value, scope, of), node.attr)
            case ast.Call():
                return self._results(node, scope, of)
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                return self.values(node.value, scope, of)
            case ast.IfExp():
                return (*self.values(node.body, scope, of), *self.values(node.orelse, scope, of))
            case ast.BoolOp():
                return [value for one in node.values for value in self.values(one, scope, of)]
            case ast.Subscript() if last_of(node.value) == "Annotated":
                return self._annotated_type(node.slice, scope, of)
            case ast.Subscript() if last_of(node.value) in families.GENERIC:
                return self.values(node.slice, scope, of)
            case ast.Subscript():
                return self._items(node.value, scope, of)
            case ast.BinOp(op=ast.BitOr()):
                return (*self.values(node.left, scope, of), *self.values(node.right, scope, of))
            case ast.Lambda():
                found = scope.module.scopes.get(node)
                return [FunctionValue(found)] if isinstance(found, Function) else ()
            case ast.Constant(value=str(text)):
                return self._annotated(text, scope)
            case _:
                return ()

    def named(self, name: str, scope: NameScope, of: Self = None) -> list[Value]:
        """Return what a name may be in a scope."""
        at: NameScope | None = scope
        while at is not None:
            passed_over = isinstance(at, Class) and at is not scope
            if not passed_over and name in at.bindings and (name not in at.outer or isinstance(at, Module)):
                return [value for one in at.bindings[name] for value in self._bound(one, at, of)]
            at = at.parent
        stars = [Imported(module, level, name) for module, level in scope.module.stars]
        found = [value for one in stars for value in self._imports.imported(one, scope.module)]
        builtin: list[Value] = [External(f"builtins.{name}")] if name in families.BUILTINS else []
        return [value for value in found if not isinstance(value, External)] or builtin or found

    def _bound(self, binding: Binding, scope: NameScope, of: Self) -> Iterable[Value]:
        match binding:
            case Imported():
                return self._imports.imported(binding, scope.module)
            case Assigned():
                return self.values(binding.value, binding.scope, of if binding.scope is scope else None)
            case Function():
                return [FunctionValue(binding)]
            case Class():
                return [ClassValue(binding)]
            case Parameter():
                return self._given(binding, scope, of)
            case Opaque():
                return ()

    def _given(self, binding: Parameter, scope: NameScope, of: Self) -> Iterable[Value]:
        if (
            isinstance(scope, Function)
            and binding.position == 0
            and scope.takes_self
            and scope.of_class is not None
        ):
            return [of or Instance(scope.of_class, is_fresh=False)]
        outer = scope.parent or scope
        found: list[Value] = []
        if binding.annotation is not None:
            found += [as_object(value) for value in self.values(binding.annotation, outer)]
        if binding.default is not None:
            found += self.values(binding.default, outer)
        return found

    def _annotated(self, text: str, scope: NameScope) -> Iterable[Value]:
        return self.named(text, scope) if text.isidentifier() and text in scope.module.bindings else ()

    def _attributes(self, of: Iterable[Value], name: str) -> Iterator[Value]:
        for value in of:
            match value:
                case External(name=whole) if whole.startswith("builtins."):
                    pass
                case External():
                    yield External(f"{value.name}.{name}")
                case ModuleValue():
                    yield from self._imports.in_module(value.module, name)
                case Instance() | ClassValue():
                    yield from self.members(value, name)
                case FunctionValue() if name in {"delay", "apply_async", "func", "__wrapped__"}:
                    yield value
                case ExternalObject():
                    yield External(f"{value.of.name}.{name}")
                case _:
                    pass

    def members(self, of: Instance | ClassValue, name: str) -> Iterator[Value]:
        """Yield what an attribute of an object or class may be, in the order of its bases.

        Args:
            of: The object or class.
            name: The attribute.
        """
        bases = [one for one in self.lineage(of.scope) if isinstance(one, Class)]
        for base in bases:
            defined = [one for one in base.bindings.get(name, ()) if not isinstance(one, Opaque)]
            for binding in (*defined, *base.attributes().get(name, ())):
                if isinstance(binding, Function) and isinstance(of, Instance) and is_property(binding):
                    yield from self.returned(FunctionValue(binding, of))
                elif isinstance(binding, Function):
                    yield FunctionValue(binding, of)
                elif isinstance(binding, Assigned):
                    inner = of if isinstance(binding.scope, Function) else None
                    for value in self.values(binding.value, binding.scope, inner):
                        yield self._of(value, of)
                else:
                    yield from self._bound(binding, base, None)
            if defined or name in base.attributes():
                return

    def properties(self, of: Instance, name: str) -> Iterator[FunctionValue]:
        """Yield the functions that run when an attribute of an object is read."""
        for base in self.lineage(of.scope):
            if isinstance(base, Class) and name in base.bindings:
                for one in base.bindings[name]:
                    if isinstance(one, Function) and is_property(one):
                        yield FunctionValue(one, of)
                return

    def _of(self, value: Value, of: Instance | ClassValue) -> Value:
        """Return what an attribute holds: what an object made for itself goes with it."""
        if isinstance(value, Instance) and value.is_fresh and not (isinstance(of, Instance) and of.is_fresh):
            return Instance(value.scope, is_fresh=False)
        return value

    def lineage(self, scope: Class) -> list[Class | External]:
        """Return a class and its bases, those of other packages by name."""
        found: list[Class | External] = []
        left: list[Class | External] = [scope]
        while left and len(found) < _DEEPEST:
            one = left.pop(0)
            if one in found:
                continue
            found.append(one)
            if isinstance(one, Class):
                left = [*self._bases(one), *left]
        return found

    def _bases(self, scope: Class) -> Iterator[Class | External]:
        for base in scope.definition.bases:
            node = base.value if isinstance(base, ast.Subscript) else base
            for value in self.values(node, scope.parent or scope):
                if isinstance(value, ClassValue):
                    yield value.scope
                elif isinstance(value, External):
                    yield value

    def _results(self, node: ast.Call, scope: NameScope, of: Self) -> Iterator[Value]:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            yield from self._super(scope, of)
            return
        for value in self.values(node.func, scope, of):
            match value:
                case ClassValue():
                    yield Instance(
                        value.scope, is_fresh=runs_later(scope) and not is_singleton(value.scope, self)
                    )
                case Instance():
                    for one in self.members(value, "__call__"):
                        if isinstance(one, FunctionValue):
                            yield from self.returned(one)
                case FunctionValue():
                    yield from self.returned(value)
                case Partial(of=inner):
                    yield ExternalObject(inner) if isinstance(inner, External) else inner
                case External():
                    yield from self._external(value, node, scope, of)
                case _:
                    pass

    def _super(self, scope: NameScope, of: Self) -> Iterator[Value]:
        at: NameScope | None = scope
        while at is not None and not isinstance(at, Class):
            at = at.parent
        if at is not None:
            fresh = isinstance(of, Instance) and of.is_fresh
            for base in self.lineage(at)[1:]:
                if isinstance(base, Class):
                    yield ClassValue(base) if isinstance(of, ClassValue) else Instance(base, fresh)
                    return

    def _external(self, called: External, node: ast.Call, scope: NameScope, of: Self) -> Iterator[Value]:
        arguments = [value for one in node.args[:1] for value in self.values(one, scope, of)]
        constants = [
            one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        if called.last in {"partial", "partialmethod"}:
            yield from map(Partial, arguments)
        elif called.name == "builtins.getattr" and constants:
            yield from self._attributes(arguments, constants[0])
        elif called.last == "import_module" and constants:
            yield from self._imports.imported(Imported(constants[0], 0, None), scope.module)
        elif called.last in families.DEPENDS:
            yield from self._injected(arguments)
        elif called.last in families.PASSING or called.last.startswith(
            ("require_", "login_required", "sync_to_async")
        ):
            yield from arguments
        else:
            yield ExternalObject(called)

    def _injected(self, given: Iterable[Value]) -> Iterator[Value]:
        """Yield what a parameter receives of a dependency."""
        for value in given:
            if isinstance(value, FunctionValue):
                yield from self.returned(value)
            elif isinstance(value, ClassValue):
                yield Instance(value.scope, is_fresh=not is_singleton(value.scope, self))

    def _annotated_type(self, node: ast.expr, scope: NameScope, of: Self) -> Iterator[Value]:
        first, *others = node.elts if isinstance(node, ast.Tuple) else [node]
        given = [
            value for one in others if isinstance(one, ast.Call) for value in self.values(one, scope, of)
        ]
        yield from given or map(as_object, self.values(first, scope, of))

    def returned(self, called: FunctionValue) -> Iterator[Value]:
        """Yield what a function of the tree may return; what one keeps does not go with a request."""
        keeps = is_once(called.scope, None)
        for node, scope in called.scope.returned:
            for value in self.values(node, scope, called.of):
                yield as_kept(value) if keeps else value

    def _items(self, node: ast.expr, scope: NameScope, of: Self) -> Iterator[Value]:
        """Yield what may lie in a dict, list or tuple that is written down, or what a generic class stands for."""
        for shown, where in displays(node, scope):
            inner = shown.values if isinstance(shown, ast.Dict) else shown.elts
            for one in inner:
                yield from self.values(one, where, of)
