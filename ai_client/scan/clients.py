"""Which classes are clients."""

from collections.abc import Iterable

from .resolving import Resolver
from .scopes import Class
from .values import ClassValue, External, Partial, Value

_NAMES = frozenset(
    {"OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI", "BedrockOpenAI", "AsyncBedrockOpenAI"}
)
_SHORT = frozenset({"openai.Client", "openai.AsyncClient", "ai_client.Client", "ai_client.AsyncClient"})
_OURS = frozenset({"ClientProvider"})
_PACKAGES = frozenset({"openai", "ai_client"})
LIBRARIES = {
    "httpx": ("httpx.Client", "httpx.AsyncClient"),
    "httpx2": ("httpx2.Client", "httpx2.AsyncClient"),
    "requests": ("requests.Session", "requests.session", "requests.sessions.Session"),
    "aiohttp": ("aiohttp.ClientSession",),
}
"""The classes of libraries that may be looked for too."""


class ClientClasses:
    """The classes that one process needs one object of.

    Args:
        resolver: Finds the bases of classes in the tree.
        also: Names of further libraries, or of classes with their modules.
    """

    def __init__(self, resolver: Resolver, also: Iterable[str] = ()) -> None:
        self._resolver = resolver
        self._further = frozenset(name for one in also for name in LIBRARIES.get(one, (one,)))
        self._known: dict[Class, str | None] = {}

    @property
    def packages(self) -> set[str]:
        """The packages of clients, one of which a module names that builds a client of it."""
        return {*_PACKAGES, *(name.partition(".")[0] for name in self._further)}

    @property
    def words(self) -> set[str]:
        """The names in a module that lead to clients."""
        return {*_NAMES, *_OURS, *(name.rpartition(".")[2] for name in self._further)}

    @property
    def short(self) -> set[str]:
        """Further such names in a module that imports a package of clients by its own name."""
        return {name.rpartition(".")[2] for name in _SHORT}

    def name_of(self, value: Value) -> str | None:
        """Return the name of a client's class; `None` if it is another value."""
        if isinstance(value, Partial):
            return self.name_of(value.of)
        if isinstance(value, ClassValue):
            if value.scope not in self._known:
                self._known[value.scope] = None  # for a class that is its own base
                self._known[value.scope] = self._of_tree(value.scope)
            return self._known[value.scope]
        return self._of_package(value) if isinstance(value, External) else None

    def _of_package(self, value: External) -> str | None:
        packages = value.name.split(".")[:-1]
        known = (
            (value.last in _NAMES and not _PACKAGES.isdisjoint(packages))
            or value.name in _SHORT
            or (value.last in _OURS and value.top == "ai_client")
            or value.name in self._further
        )
        return value.last if known else None

    def _of_tree(self, scope: Class) -> str | None:
        """Return the name of a class of the tree that is a client's, as those of the packages themselves are."""
        for one in self._resolver.lineage(scope):
            if isinstance(one, External):
                found = self._of_package(one)
            else:
                package = ".".join((*one.module.parts, one.name))
                found = self._of_package(External(package))
            if found:
                return scope.name
        return None
