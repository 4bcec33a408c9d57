"""Functions that serve requests by their parameters."""

import ast
from collections.abc import Iterator

from .entry import EntryPoint
from .scopes import Function, Module, last_name
from .values import FunctionValue, Instance

_APPLICATIONS: dict[tuple[str, ...], str] = {
    ("scope", "receive", "send"): "an ASGI application",
    ("environ", "start_response"): "a WSGI application",
}


def served_by_signature(function: Function) -> Iterator[EntryPoint]:
    """Yield a function that is an application, the inside of a middleware or a view of Django."""
    bound = None if function.of_class is None else Instance(function.of_class, is_fresh=False)
    kind = _APPLICATIONS.get(tuple(function.arguments))
    if kind is not None and (function.of_class is None or function.name.endswith("__call__")):
        yield EntryPoint(FunctionValue(function, bound), kind)
    elif _is_inner_middleware(function):
        yield EntryPoint(FunctionValue(function), "a middleware")
    elif _is_view(function):
        yield EntryPoint(FunctionValue(function), "a view")


def _is_inner_middleware(function: Function) -> bool:
    """Return whether a function is inside of one that takes `get_response`, which Django calls at its start."""
    outer = function.parent
    if not isinstance(outer, Function) or isinstance(function.node, ast.Lambda):
        return False
    return outer.arguments[:1] == ["get_response"] and function.arguments[:1] == ["request"]


def _is_view(function: Function) -> bool:
    """Return whether a function is a view of Django: it takes the request, and stands in `views` or says so."""
    node = function.definition
    if (
        function.arguments[:1] != ["request"]
        or not isinstance(function.parent, Module)
        or isinstance(node, ast.Lambda)
    ):
        return False
    annotations = [node.returns, *(one.annotation for one in node.args.args[:1])]
    named = [last_name(one) for one in annotations if one is not None]
    if any(name == "HttpRequest" or name.endswith("HttpResponse") for name in named):
        return True
    return "views" in function.module.parts[-2:] and not function.name.startswith("_")
