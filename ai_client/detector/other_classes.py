"""Constructors of other packages' clients, which tell of each client while they are detected."""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from .callers import HTTP_LIBRARIES, OFFICIAL

OTHERS: dict[str, tuple[str, str]] = {
    OFFICIAL: ("OpenAI", "AsyncOpenAI"),
    **dict.fromkeys(HTTP_LIBRARIES, ("Client", "AsyncClient")),
}
"""The classes of each package that has clients; those derived from them count too."""
Told = Callable[[Any, str], None]


class _Constructor:
    """The constructor of a class, replaced by one that tells of the clients that it built.

    Where somebody else has replaced ours since, it stays in its place and tells nobody.
    """

    def __init__(self, cls: Any, package: str) -> None:
        self._cls = cls
        self._package = package
        self._replacement: Any = None
        self.told: Told | None = None

    def replace(self, told: Told) -> None:
        self.told = told
        if self._replacement is not None:
            return
        original = self._original = self._cls.__init__

        @wraps(original)
        def replacement(client: Any, *args: Any, **options: Any) -> None:
            original(client, *args, **options)
            if (told := self.told) is not None:
                told(client, self._package)

        self._replacement = self._cls.__init__ = replacement

    def restore(self) -> None:
        self.told = None
        if vars(self._cls).get("__init__") is self._replacement:
            self._cls.__init__ = self._original
            self._replacement = None


_constructors: dict[str, list[_Constructor]] = {}


def tell_of(packages: frozenset[str], told: Told) -> None:
    """Have *told* called with each client of some packages and its package, and with no other.

    A package that is not installed has none.
    """
    for package, names in OTHERS.items():
        if package in packages:
            for constructor in _constructors_of(package, names):
                constructor.replace(told)
        else:
            for constructor in _constructors.get(package, ()):
                constructor.restore()


def _constructors_of(package: str, names: tuple[str, ...]) -> list[_Constructor]:
    if package not in _constructors:
        try:
            module = import_module(package)
        except ImportError:
            return []
        _constructors[package] = [_Constructor(getattr(module, name), package) for name in names]
    return _constructors[package]
