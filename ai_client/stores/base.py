"""What policies ask of shared state, and what a place to keep it must do.

Policies speak to a `Store`, which waits through `IO`. A `Backend` is where the state is: its methods are plain,
may block, may be called from any thread, and each is atomic among all who share the state. Amounts are whole
numbers (tokens, requests, nano-USD), so that sums are exact. Times are in seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from .._io import IO


class Hold(NamedTuple):
    """An amount to set aside on a ledger.

    Attributes:
        key: The ledger.
        amount: How much.
        limit: What used and held amounts may reach together; `None` is no limit.
        until: When the ledger may be forgotten.
    """

    key: str
    amount: int
    limit: int | None
    until: float


class Spend(NamedTuple):
    """What came of a hold: the *amount* that was used on the ledger *key*, which may be forgotten at *until*."""

    key: str
    amount: int
    until: float


class Ledger(NamedTuple):
    """What a ledger says: the sum *used* and the sum *held* by reservations that are neither settled nor expired."""

    used: int = 0
    held: int = 0


class Refusal(NamedTuple):
    """A reservation that was not made: the *position* of the first hold without room, and its ledger."""

    position: int
    used: int
    held: int


class Take(NamedTuple):
    """An amount to take within a sliding window.

    The window is counted in `SLOTS` slots. A slot that began within the window counts whole, so no stretch of
    *window* seconds ever holds more than *limit*.

    Attributes:
        key: The window's name.
        amount: How much; an adjustment may be negative.
        limit: What the window may hold.
        window: Its length in seconds.
    """

    key: str
    amount: int
    limit: int
    window: float


DEFAULT_MAX_BYTES = 64 * 1024 * 1024
"""Bound on all values that are kept, where none is given."""
SLOTS = 60
"""Parts in which a sliding window is counted: the rate reached is at least SLOTS / (SLOTS + 1) of the limit."""

Sums = Mapping[str, int]
"""Amounts by name."""


class Backend(Protocol):
    """A place to keep shared state.

    Raises:
        StoreError: From every method, where the place cannot be reached.
    """

    instant: bool
    """Whether no method waits for anything but a short lock."""

    def reserve(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> Refusal | None:
        """Set aside all of *holds* or none; what is not settled by *expires* is given back."""
        ...

    def settle(self, ticket: str, spends: Sequence[Spend], now: float) -> list[Ledger]:
        """Give back what *ticket* holds and count what was used; a second time for a ticket changes nothing."""
        ...

    def ledger(self, key: str, now: float) -> Ledger:
        """Read a ledger."""
        ...

    def take(self, takes: Sequence[Take], now: float) -> float:
        """Take all of *takes* and give 0, or none and give the seconds until there may be room."""
        ...

    def adjust(self, takes: Sequence[Take], now: float) -> None:
        """Add amounts to windows whatever their limits, in the slot of the time *now*."""
        ...

    def add(self, ticket: str, period: str, sums: Mapping[str, Sums], until: float) -> None:
        """Add to the sums of a period, which may be forgotten at *until*; a second time for a ticket changes nothing.

        An `instant` place, whose answers are never lost, gets no ticket but an empty text.
        """
        ...

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Read the sums of the periods from *first* to *last*, as text compares them: period, key, name."""
        ...

    def get(self, key: str, now: float) -> bytes | None:
        """Read a value, unless it has expired."""
        ...

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until there is no room."""
        ...

    def close(self) -> None:
        """Let go of files and connections; a later use opens them again."""
        ...


class Store(Protocol):
    """A backend as policies see it: every method waits through *io*, and a failure is handled by option.

    Attributes:
        instant: The backend, where none of its methods waits and no other process sees it: to be asked directly.
    """

    @property
    def instant(self) -> "Backend | None":
        """See above."""
        ...

    async def reserve(
        self, io: "IO", ticket: str, holds: Sequence[Hold], now: float, expires: float, /
    ) -> Refusal | None:
        """See `Backend.reserve`."""
        ...

    async def settle(self, io: "IO", ticket: str, spends: Sequence[Spend], now: float, /) -> list[Ledger]:
        """See `Backend.settle`; where the store is down, the spends are kept and counted later."""
        ...

    async def ledger(self, io: "IO", key: str, now: float, /) -> Ledger:
        """See `Backend.ledger`."""
        ...

    async def take(self, io: "IO", takes: Sequence[Take], now: float, /) -> float:
        """See `Backend.take`."""
        ...

    async def adjust(self, io: "IO", takes: Sequence[Take], now: float, /) -> None:
        """See `Backend.adjust`."""
        ...

    async def add(self, io: "IO", period: str, sums: Mapping[str, Sums], until: float, /) -> None:
        """See `Backend.add`; where the store is down, the sums are kept and added later."""
        ...

    async def sums(self, io: "IO", first: str, last: str, /) -> dict[str, dict[str, Sums]]:
        """See `Backend.sums`."""
        ...

    async def get(self, io: "IO", key: str, now: float, /) -> bytes | None:
        """See `Backend.get`; a store that is down has no values."""
        ...

    async def set(self, io: "IO", key: str, value: bytes, expires: float, now: float, /) -> None:
        """See `Backend.set`; a store that is down keeps nothing."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
