"""The clients of an alias that this process has built: those that are there, and how many there were."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .managed import Managed

Kind: TypeAlias = Literal["sync", "async"]


@dataclass(slots=True)
class BuiltKind:
    """The clients of one kind and class in a process, and how many there were.

    Attributes:
        kind: Whether they are sync or async ones.
        client: The class, with its package.
        built: How many were built.
        opened: How many connections were opened by those that are closed, as far as they show them.
        managed: The one that there is.
    """

    kind: Kind
    client: str
    built: int = 0
    opened: int = 0
    managed: Managed | None = None


class BuiltClients:
    """The clients of an alias by kind; a process has one of each at a time."""

    def __init__(self) -> None:
        self._now: dict[Kind, Managed] = {}
        self._made: dict[tuple[Kind, str], BuiltKind] = {}

    def get(self, kind: Kind) -> Managed | None:
        """Return the client of a kind if there is one."""
        return self._now.get(kind)

    def add(self, kind: Kind, managed: Managed) -> None:
        """Add a client that was built."""
        key = kind, name_of(managed.client)
        made = self._made.setdefault(key, BuiltKind(*key))
        made.built += 1
        made.managed = self._now[kind] = managed

    def shown(self) -> dict[Kind, Any]:
        """Return the clients that there are, as users get them."""
        return {kind: managed.client for kind, managed in self._now.items()}

    def values(self) -> list[Managed]:
        """Return the clients that there are."""
        return list(self._now.values())

    def made(self) -> list[BuiltKind]:
        """Return what is known of each kind and class."""
        return list(self._made.values())

    def forget(self) -> list[Managed]:
        """Remove the clients and return them; what they have opened stays counted."""
        for made in self._made.values():
            if made.managed is not None:
                stats = made.managed.stats()
                made.opened += 0 if stats is None else stats.opened_total
                made.managed = None
        found, self._now = self.values(), {}
        return found

    def abandon(self) -> list[Managed]:
        """Remove the clients of the process that this one was forked from, and all counts; return the clients."""
        self._made = {}
        found, self._now = self.values(), {}
        return found

    def __len__(self) -> int:
        return len(self._now)


def name_of(client: Any) -> str:
    """Return the class of a client with the package that it is from."""
    cls = client.__class__
    return f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"
