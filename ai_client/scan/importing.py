"""Imported names: members of modules of the tree, modules, or names of other packages."""

from collections.abc import Callable, Iterable

from .modules import Modules
from .scopes import Imported, Module
from .values import External, ModuleValue, Value


class Imports:
    """Follows imports.

    Args:
        modules: The modules of the tree.
        named: Returns what a name may be in a module.

    Attributes:
        cuts: How often a circle was cut.
    """

    def __init__(self, modules: Modules, named: Callable[[str, Module], list[Value]]) -> None:
        self.cuts = 0
        self._modules = modules
        self._named = named
        self._open = set[tuple[Module, str]]()

    def imported(self, binding: Imported, importer: Module) -> list[Value]:
        """Return what an imported name is."""
        find = self._modules.relative if binding.level else None
        whole = binding.module

        def module(name: str) -> Module | None:
            return find(name, binding.level, importer) if find else self._modules.absolute(name, importer)

        found = module(whole)
        if binding.member is None:
            return [ModuleValue(found)] if found else [External(whole)]
        if found is not None and (values := self.members(found, binding.member)):
            return values
        inner = module(f"{whole}.{binding.member}" if whole else binding.member)
        if inner is not None:
            return [ModuleValue(inner)]
        return [] if binding.level or found else [External(f"{whole}.{binding.member}")]

    def members(self, module: Module, name: str) -> list[Value]:
        """Return what a name of a module is; nothing where it has none."""
        key = module, name
        if key in self._open:
            self.cuts += 1
            return []
        if name not in module.bindings and not module.stars:
            return []
        self._open.add(key)
        try:
            return [value for value in self._named(name, module) if value != External(f"builtins.{name}")]
        finally:
            self._open.discard(key)

    def in_module(self, module: Module, name: str) -> Iterable[Value]:
        """Return what an attribute of a module is, a submodule included."""
        found = self.members(module, name)
        if not found:
            inner = self._modules.absolute(".".join((*module.parts, name)), module)
            return [ModuleValue(inner)] if inner is not None and inner.parts == (*module.parts, name) else ()
        return found
