"""The modules that classes and functions rest on: those of their bases, metaclasses and decorators."""

import ast
from collections.abc import Iterator

from .keepers import metaclasses
from .scopes import Imported, Module


def foundations(module: Module, wanted: set[str]) -> Iterator[tuple[str, ...]]:
    """Yield the dotted names of the modules that may define what the classes and functions of a module rest on.

    Args:
        module: The module.
        wanted: The names that others rest on, which it may import from elsewhere in turn; its own are added.
    """
    chains = [chain for node in _nodes(module) if (chain := _chain(node))]
    wanted.update(chain[-1] for chain in chains)
    chains.extend([name] for name in wanted.intersection(module.bindings))
    for root, *rest in chains:
        for binding in module.bindings.get(root, ()):
            if isinstance(binding, Imported):
                base = _base(module, binding.module, binding.level)
                whole = (*base, *filter(None, [binding.member]), *rest)
                yield from (whole[:length] for length in range(max(len(base), 1), len(whole) + 1))
    if any(chain[0] not in module.bindings for chain in chains) or not wanted <= module.bindings.keys():
        for name, level in module.stars:
            yield tuple(_base(module, name, level))


def _nodes(module: Module) -> Iterator[ast.expr]:
    for function in module.functions:
        yield from function.decorators
    for one in module.classes:
        yield from (*one.definition.bases, *metaclasses(one), *one.definition.decorator_list)


def _chain(node: ast.expr) -> list[str]:
    """Return the names of a dotted one; nothing for another expression."""
    names: list[str] = []
    while isinstance(node, ast.Call | ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        else:
            node = node.func if isinstance(node, ast.Call) else node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def _base(module: Module, name: str, level: int) -> list[str]:
    """Return the parts of the module that an import names, those of its package included where it is relative."""
    cut = level - module.is_package
    above = module.parts[: max(len(module.parts) - cut, 0)] if level else ()
    return [*above, *filter(None, name.split("."))]
