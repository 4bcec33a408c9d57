"""The modules of a scanned tree by the names under which they are imported."""

from .scopes import Module


class Modules:
    """The modules that were read so far."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, ...], list[Module]] = {}
        self._packages = set[tuple[str, ...]]()
        self.all: list[Module] = []

    def note_package(self, parts: tuple[str, ...]) -> None:
        """Note that a folder has an `__init__`, whether or not that is read."""
        self._packages.add(parts)

    def add(self, module: Module) -> None:
        """Add a module under each name that may import it: those below a package are imported with its name."""
        self.all.append(module)
        parts = module.parts
        for start in range(len(parts)):
            self._by_name.setdefault(parts[start:], []).append(module)

    def absolute(self, name: str, importer: Module) -> Module | None:
        """Return the module that `import name` means in another one, the nearest where several may be meant."""
        parts = tuple(name.split("."))
        found = [one for one in self._by_name.get(parts, ()) if self._may_mean(one, parts, importer)]
        return max(found, key=lambda one: (_common(one.parts, importer.parts), -len(one.parts)), default=None)

    def relative(self, name: str, level: int, importer: Module) -> Module | None:
        """Return the module that `from .name import` means in another one."""
        cut = level - importer.is_package
        if cut > len(importer.parts):
            return None
        base = importer.parts[: len(importer.parts) - cut]
        parts = (*base, *filter(None, name.split(".")))
        return next((one for one in self._by_name.get(parts, ()) if one.parts == parts), None)

    def _may_mean(self, module: Module, parts: tuple[str, ...], importer: Module) -> bool:
        """Return whether an absolute import may mean a module: inside a package it needs the package's name."""
        above = module.parts[: len(module.parts) - len(parts)]
        return above not in self._packages or (above == importer.parts[:-1] and not importer.is_package)


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
