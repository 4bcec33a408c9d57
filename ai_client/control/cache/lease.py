"""A lease: mutual exclusion between processes through a shared store, which expires when its holder dies."""

from ..._io import IO
from ...errors import StoreError
from ...stores import Store
from ...stores.base import Hold, Spend
from ...stores.tickets import new_ticket

SECONDS = 60.0
"""Seconds after which the lease of a process that died expires."""


class Lease:
    """A lock that one of the processes that share a store can hold.

    It is a reservation of 1 on a ledger with the limit 1.

    Args:
        store: The shared store.
        name: Name of the lock within it.
    """

    __slots__ = ("_name", "_store", "_ticket")

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = f"lease|{name}"
        self._ticket = new_ticket()

    async def take(self, io: IO) -> bool:
        """Try to take the lease; return whether that succeeded. While the store is down it always does."""
        now = io.now()
        hold = Hold(self._name, 1, 1, now + SECONDS)
        try:
            return (
                await self._store.admit(io, self._ticket, [hold], (), now=now, expires=now + SECONDS) is None
            )
        except StoreError:
            return True

    async def give_back(self, io: IO) -> None:
        """Release the lease, even if the caller is cancelled."""
        await io.carry_through(self._settle(io))

    async def _settle(self, io: IO) -> None:
        now = io.now()
        await self._store.settle(io, self._ticket, [Spend(self._name, 0, now)], now)
