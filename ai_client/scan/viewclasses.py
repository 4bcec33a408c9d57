"""Classes whose methods serve requests."""

import ast
from collections.abc import Iterator

from . import families
from .entry import EntryPoint
from .resolving import Resolver
from .scopes import Assigned, Class, Function
from .values import External, FunctionValue, Instance


def methods_of(scope: Class, resolver: Resolver) -> Iterator[EntryPoint]:
    """Yield the methods of a class that serve requests."""
    family = _family(scope, resolver)
    if family is None:
        return
    kind, is_fresh = family
    bound = Instance(scope, is_fresh)
    is_middleware = kind == "a middleware"
    for name, method in _methods(scope, resolver):
        if is_middleware and name not in families.MIDDLEWARE_METHODS:
            continue
        if name in families.NOT_SERVING or (
            name in {"__init__", "__new__"} and not _made_per_request(scope, is_fresh)
        ):
            continue
        if name == "run" or kind != "a task":
            yield EntryPoint(FunctionValue(method, bound), kind)


def _methods(scope: Class, resolver: Resolver) -> Iterator[tuple[str, Function]]:
    """Yield the methods of a class and those of its bases, but for what it overrides."""
    seen = set[str]()
    for base in resolver.lineage(scope):
        if isinstance(base, Class):
            for name, bindings in base.bindings.items():
                methods = [one for one in bindings if isinstance(one, Function) and one.of_class is base]
                if methods and name not in seen:
                    seen.add(name)
                    yield name, methods[-1]


def _family(scope: Class, resolver: Resolver) -> tuple[str, bool] | None:
    """Return what a class is, and whether its objects go with a request each."""
    init = scope.method("__init__")
    if init is not None and init.arguments[:1] == ["get_response"] and scope.method("__call__"):
        return "a middleware", False
    for base in resolver.lineage(scope):
        if not isinstance(base, External):
            continue
        if base.top in families.TASK_PACKAGES and base.last == "Task":
            return "a task", False
        if not _is_of_framework(base):
            continue
        if base.last in families.KEPT_BASES:
            return families.KEPT_BASES[base.last], False
        if base.last.endswith(families.VIEW_BASES) or base.last in families.REQUEST_BASES:
            return "a view", True
    return None


def _is_of_framework(base: External) -> bool:
    return base.top in families.FRAMEWORKS or base.top.startswith(
        ("django", "flask", "drf", "rest_framework", "quart")
    )


def _made_per_request(scope: Class, is_fresh: bool) -> bool:
    """Return whether a framework makes an object of a class for each request; Flask's views may say otherwise."""
    said = [one.value for one in scope.bindings.get("init_every_request", ()) if isinstance(one, Assigned)]
    return is_fresh and not any(isinstance(one, ast.Constant) and one.value is False for one in said)
