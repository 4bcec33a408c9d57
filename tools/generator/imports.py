"""What a generated module imports."""

from collections import defaultdict

from .description import DescriptionError


class Imports:
    """What a module imports, gathered while its body is written."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._names: dict[str, set[str]] = defaultdict(set)
        self._modules: set[str] = set()
        self._offered: set[str] = set()

    def add_module(self, module: str) -> None:
        """Import a module."""
        self._modules.add(module)

    def add(self, module: str, name: str) -> str:
        """Import *name*, and give it back to write.

        Raises:
            DescriptionError: Another module's *name* is imported already.
        """
        for other, names in self._names.items():
            if name in names and other != module:
                raise DescriptionError(
                    f"{name} is needed from both {other} and {module}: part them in the map"
                )
        self._names[module].add(name)
        return name

    def offer(self, module: str, name: str) -> None:
        """Import *name* for whoever imports it from here."""
        self._offered.add(self.add(module, name))

    def names(self) -> set[str]:
        """Give all imported names."""
        return {name for names in self._names.values() for name in names}

    def sources(self, prefix: str) -> list[str]:
        """List the modules below *prefix* that are imported from, without it."""
        return sorted(each.removeprefix(prefix) for each in self._names if each.startswith(prefix))

    def text(self, module: str = "") -> str:
        """Write the import statements, for the formatter to sort."""
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
