"""Lazy imports of a package's names."""

import sys
from collections.abc import Mapping
from importlib import import_module


class Names:
    """The names that a package of types exports, and the modules that define them."""

    def __init__(self, package: str, modules: Mapping[str, str], packages: list[str]) -> None:
        self._package = package
        self._modules = {name: module for module, names in modules.items() for name in names.split()}
        self._packages = packages

    def get(self, name: str) -> object:
        """Import a name, and keep it in the package.

        Raises:
            AttributeError: The package has no such name.
        """
        if name in self._modules:
            value: object = getattr(import_module(self._modules[name]), name)
        elif name in self._packages:
            value = import_module(f"{self._package}.{name}")
        else:
            raise AttributeError(f"module {self._package!r} has no attribute {name!r}")
        setattr(sys.modules[self._package], name, value)
        return value

    def list(self) -> list[str]:
        """Return all names, imported or not."""
        return sorted({*vars(sys.modules[self._package]), *self._modules, *self._packages})
