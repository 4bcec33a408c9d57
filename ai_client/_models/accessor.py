"""Attributes that are made when they are first read."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property as accessor
else:

    class accessor:  # noqa: N801 - reads as a decorator
        """An attribute that is computed when it is first read, and kept in the instance.

        It takes no lock, as the standard library's does before Python 3.12: one for all instances of a class, which a
        thread that is in it at a fork would hold in the child for ever. Threads that read at once all get the first.
        """

        def __init__(self, func: Callable[[Any], Any]) -> None:
            self.func = func
            self.__doc__ = func.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            return instance.__dict__.setdefault(self.name, self.func(instance))


__all__ = ["accessor"]
