"""The imports of a generated module."""

from collections import defaultdict

from .description import DescriptionError


class Imports:
    """The imports of a module, collected while its body is written."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._names: dict[str, set[str]] = defaultdict(set)
        self._modules: set[str] = set()
        self._offered: set[str] = set()

    def add_module(self, module: str) -> None:
        """Import a module."""
        self._modules.add(module)

    def add(self, module: str, name: str) -> str:
        """Import *name* and return it.

        Raises:
            DescriptionError: Another module's *name* is imported already.
        """
        for other, names in self._names.items():
            if name in names and other != module:
                raise DescriptionError(
                    f"{name} is needed from both {other} and {module}: rename one of them in the map"
                )
        self._names[module].add(name)
        return name

    def offer(self, module: str, name: str) -> None:
        """Import *name* for re-export."""
        self._offered.add(self.add(module, name))

    def names(self) -> set[str]:
        """Return all imported names."""
        return {name for names in self._names.values() for name in names}

    def sources(self, prefix: str) -> list[str]:
        """Return the modules below *prefix* that are imported from, without the prefix."""
        return sorted(each.removeprefix(prefix) for each in self._names if each.startswith(prefix))

    def text(self, module: str = "") -> str:
        """Return the import statements; the formatter sorts them."""
        whole = [f"import {module}" for module in sorted(self._modules)]
        return "\n".join(
            whole
            + [
                f"from {source} import {', '.join(map(self._imported, sorted(names)))}"
                for source, names in sorted(self._names.items())
                if source != module
            ]
        )

    def _imported(self, name: str) -> str:
        return f"{name} as {name}" if name in self._offered else name
