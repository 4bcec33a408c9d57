"""One process at a time: a reservation of one on a ledger for one, which expires where its holder dies."""

from typing import TYPE_CHECKING

from ...errors import StoreError
from ...stores.base import Hold, Spend
from ...stores.tickets import new_ticket

if TYPE_CHECKING:
    from ..._io import IO
    from ...stores import Store

SECONDS = 60.0
"""How long a process that died keeps others out."""


class Lease:
    """The right to do something that only one of the processes that share a store should do.

    Args:
        store: What they share.
        name: What the right is called there.
    """

    __slots__ = ("_name", "_store", "_ticket")

    def __init__(self, store: "Store", name: str) -> None:
        self._store = store
        self._name = f"lease|{name}"
        self._ticket = new_ticket()

    async def take(self, io: "IO") -> bool:
        """Tell whether the right was to be had; where the store is down, it is."""
        now = io.now()
        hold = Hold(self._name, 1, 1, now + SECONDS)
        try:
            return (
                await self._store.admit(io, self._ticket, [hold], (), now=now, expires=now + SECONDS) is None
            )
        except StoreError:
            return True

    async def give_back(self, io: "IO") -> None:
        """Let another process have it, whatever becomes of the caller."""
        await io.carry_through(self._settle(io))

    async def _settle(self, io: "IO") -> None:
        now = io.now()
        await self._store.settle(io, self._ticket, [Spend(self._name, 0, now)], now)
