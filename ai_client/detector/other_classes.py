"""Constructors of other packages' clients, which tell of each client while they are detected."""

from collections.abc import Callable
from contextlib import suppress
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
        original: Callable[..., None] = self._cls.__init__
        self._original = original

        @wraps(original)
        def replacement(client: Any, *args: Any, **options: Any) -> None:
            original(client, *args, **options)
            if self.told is not None:
                self.told(client, self._package)

        self._replacement = self._cls.__init__ = replacement

    def restore(self) -> None:
        self.told = None
        if self._cls.__dict__.get("__init__") is self._replacement:
            self._cls.__init__ = self._original
            self._replacement = None


_constructors: dict[str, list[_Constructor]] = {}


def load(packages: frozenset[str]) -> None:
    """Import those of some packages that have clients and are installed."""
    for package in packages & OTHERS.keys() - _constructors.keys():
        with suppress(ImportError):
            module = import_module(package)
            made = [_Constructor(getattr(module, name), package) for name in OTHERS[package]]
            _constructors.setdefault(package, made)


def tell_of(packages: frozenset[str], told: Told) -> None:
    """Have *told* called with each client of some packages, which are loaded, and its package; and with no other."""
    for package, constructors in list(_constructors.items()):
        for constructor in constructors:
            if package in packages:
                constructor.replace(told)
            else:
                constructor.restore()
