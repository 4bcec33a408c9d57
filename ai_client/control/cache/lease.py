"""A lease: mutual exclusion between processes through a shared store, which expires soon after its holder died."""

from ..._io import IO
from ...errors import StoreError
from ...stores import Store
from ...stores.base import Hold, Spend
from ...stores.heartbeat import Renewal, keep_renewed
from ...stores.tickets import is_made_here, new_ticket

SECONDS = 5.0
"""Seconds after which the lease of a process that died expires; that of one that lives is renewed."""
LONGEST = 600.0
"""Seconds after which it is renewed no more, so that a call that never ends does not hold up others for ever."""


class Lease:
    """A lock that one of the processes that share a store can hold.

    It is a reservation of 1 on a ledger with the limit 1.

    Args:
        store: The shared store.
        name: Name of the lock within it.
    """

    __slots__ = ("__weakref__", "_name", "_renewal", "_store", "_ticket")

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = f"lease|{name}"
        self._ticket = new_ticket()
        self._renewal: Renewal | None = None

    async def take(self, io: IO) -> bool:
        """Try to take the lease; return whether that succeeded. While the store is down it always does."""
        now = io.now()
        hold = Hold(self._name, 1, 1, now + SECONDS)
        try:
            refusal = await self._store.admit(io, self._ticket, [hold], (), now=now, expires=now + SECONDS)
        except StoreError:
            return True
        if refusal is not None:
            return False
        self._renewal = keep_renewed(
            io, self._store, self._ticket, [hold], SECONDS, at_most=LONGEST, owner=self
        )
        return True

    async def give_back(self, io: IO, *, in_vain: bool = False) -> None:
        """Release the lease if it was taken, even if the caller is cancelled.

        Args:
            io: How to wait.
            in_vain: Whether those who wait for it need not wait for each other, as nothing came of it.
        """
        if self._renewal is not None and is_made_here(self._ticket):  # else it is that of a parent
            self._renewal.stop()
            await io.carry_through(self._settle(io, in_vain=in_vain))

    async def last_in_vain(self, io: IO) -> bytes | None:
        """Return what changes each time the lease is released in vain."""
        return await self._store.get(io, f"{self._name}|in vain", io.now())

    async def _settle(self, io: IO, *, in_vain: bool) -> None:
        now = io.now()
        if in_vain:
            await self._store.set(io, f"{self._name}|in vain", self._ticket.encode(), now + LONGEST, now)
        await self._store.settle(io, self._ticket, [Spend(self._name, 0, now)], now)
