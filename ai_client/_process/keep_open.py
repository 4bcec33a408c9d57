"""Keep the clients of a provider open where code that does not own them closes them."""

import copy
import inspect
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from .gate import DrainGate

logger = logging.getLogger("ai_client")

_CLOSING = frozenset({"close", "aclose"})
_COPYING = frozenset({"copy", "with_options"})
_LIBRARIES = ("httpx", "httpx2")


class KeepOpen:
    """The answer of a provider to an attempt to close one of its clients: a warning in the log, once."""

    def __init__(self) -> None:
        self._once = threading.Lock()

    def until_cut(self, gate: DrainGate) -> Callable[[], None]:
        """Return what a client calls instead of closing; it is silent once the provider has closed the client."""
        return partial(self._keep, gate)

    def _keep(self, gate: DrainGate) -> None:
        if not gate.cut.is_set() and self._once.acquire(blocking=False):
            logger.warning(
                "Something closed an AI client that it does not own (with close(), `with` or `async with`). The client"
                " stays open, because all of the process shares it: the provider closes it when the application ends."
                " Do not close it; in a container of dependencies, switch closing off for it (svcs: enter=False)."
            )


def view_of(client: object, keep: Callable[[], None]) -> Any:
    """Return a view of a client that passes for it in everything but closing.

    The client itself is not changed, so that whoever has it, such as the function that made it, can close it.

    Args:
        client: One of any class.
        keep: Called instead of closing.
    """
    cls = type(client)
    special = {
        name: _ENDS.get(name) or _forwarded(name)
        for name in dir(cls)
        if name.startswith("__") and name not in _OWN and _is_of(cls, name)
    }
    names = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__slots__": (),
        "__class__": property(lambda _: cls),
        "__dict__": property(lambda _: client.__dict__),
    }
    return type(cls.__name__, (_View,), {**special, **names})(client, keep)


def _is_of(cls: type, name: str) -> bool:
    """Return whether a special method is the class's own, and not that of every object."""
    found = getattr(cls, name, None)
    return callable(found) and found is not getattr(object, name, None)


class _View:
    __slots__ = ("__client", "__keep", "__weakref__")
    __client: Any
    __keep: Callable[[], None]

    def __init__(self, client: Any, keep: Callable[[], None]) -> None:
        object.__setattr__(self, "_View__client", client)
        object.__setattr__(self, "_View__keep", keep)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__client, name)
        if name in _CLOSING and callable(found):
            return self.__stay_awaited if inspect.iscoroutinefunction(found) else self.__stay
        if name in _COPYING and callable(found):
            return partial(self.__copied, found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__client, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__client, name)

    def __dir__(self) -> list[str]:
        return dir(self.__client)

    def __copy__(self) -> Any:
        return self.__copied(copy.copy, self.__client)

    def __reduce_ex__(self, protocol: Any) -> Any:
        reduced: Any = self.__client.__reduce_ex__(protocol)
        return reduced

    def __stay(self, *_: object, **__: object) -> None:
        self.__keep()

    async def __stay_awaited(self, *_: object, **__: object) -> None:
        self.__keep()

    def __copied(self, make: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Make a copy and return a view of it, unless it was given an HTTP client of its own."""
        made = make(*args, **options)
        http_client = _http_client_of(made)
        if http_client is None or http_client is _http_client_of(self.__client):
            return view_of(made, self.__keep)
        return made

    def _enter(self) -> Any:
        return self

    async def _enter_awaited(self) -> Any:
        return self

    _exit = __stay
    _exit_awaited = __stay_awaited


_ENDS: dict[str, Any] = {
    "__enter__": _View._enter,
    "__exit__": _View._exit,
    "__aenter__": _View._enter_awaited,
    "__aexit__": _View._exit_awaited,
}
_OWN = frozenset(vars(_View)) | {
    "__class__",
    "__new__",
    "__del__",
    "__getattribute__",
    "__getstate__",
    "__reduce__",
    "__init_subclass__",
    "__subclasshook__",
    "__class_getitem__",
}


def _http_client_of(client: Any) -> Any:
    """Return the HTTP client where the clients of OpenAI's family of SDKs have it."""
    found = getattr(client, "_client", None)
    of_library = any(base.__module__.partition(".")[0] in _LIBRARIES for base in type(found).__mro__)
    return found if of_library else None


def _forwarded(name: str) -> Callable[..., Any]:
    """Return a special method that calls the client's."""

    def call(self: Any, *args: Any, **options: Any) -> Any:
        return getattr(object.__getattribute__(self, "_View__client"), name)(*args, **options)

    return call
