"""The interface of a store as policies use it."""

from collections.abc import Sequence
from typing import Protocol

from .._io import IO
from .base import Backend, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally


class Store(Protocol):
    """A backend as policies use it: methods wait through *io*, and failures are handled as configured.

    Attributes:
        instant: The backend, if it is `instant` and private to this process, so that it can be called directly.
    """

    @property
    def instant(self) -> Backend | None:
        """The backend, if it can be called directly; else `None`."""
        ...

    async def admit(
        self,
        io: IO,
        ticket: str,
        holds: Sequence[Hold],
        takes: Sequence[Take],
        /,
        *,
        now: float,
        expires: float,
    ) -> Refusal | None:
        """See `Backend.admit`."""
        ...

    def renew(self, ticket: str, holds: Sequence[Hold], /, *, now: float, expires: float) -> bool:
        """See `Backend.renew`; blocks, for the thread of `stores.heartbeat`. Returns `True` while the store is down."""
        ...

    async def settle(
        self,
        io: IO,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        /,
        *,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """See `Backend.settle`; while the store is down, the settlement is queued and counted later."""
        ...

    async def ledger(self, io: IO, key: str, now: float, /) -> Ledger:
        """See `Backend.ledger`."""
        ...

    async def sums(self, io: IO, first: str, last: str, /) -> dict[str, dict[str, Sums]]:
        """See `Backend.sums`."""
        ...

    async def get(self, io: IO, key: str, now: float, /) -> bytes | None:
        """See `Backend.get`; returns `None` while the store is down."""
        ...

    async def set(self, io: IO, key: str, value: bytes, expires: float, now: float, /) -> None:
        """See `Backend.set`; does nothing while the store is down."""
        ...

    def close(self) -> None:
        """Close files and connections."""
        ...
