"""The values that an expression may have, as far as the text shows them."""

from dataclasses import dataclass
from typing import TypeAlias

from .scopes import Class, Function, Module


@dataclass(frozen=True, slots=True)
class External:
    """A module, class or function of another package, by its dotted name."""

    name: str

    @property
    def top(self) -> str:
        """The package."""
        return self.name.partition(".")[0]

    @property
    def last(self) -> str:
        """Its own name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class ExternalObject:
    """An object of a class of another package, or what a function there returns."""

    of: External


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module of the scanned tree."""

    module: Module


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class of the scanned tree."""

    scope: Class


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the scanned tree.

    Attributes:
        scope: The class.
        is_fresh: Whether it was made while a request is served, and goes with it.
    """

    scope: Class
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function of the scanned tree, with the object or class that it is bound to."""

    scope: Function
    of: Instance | ClassValue | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """A function or class with some of its arguments, as `functools.partial` makes it."""

    of: "Value"


Value: TypeAlias = External | ExternalObject | ModuleValue | ClassValue | Instance | FunctionValue | Partial
