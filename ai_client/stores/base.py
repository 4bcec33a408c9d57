"""What policies ask of shared state, and what a place to keep it must do.

Policies speak to a `Store`, which waits through `IO`. A `Backend` is where the state is: its methods are plain,
may block, may be called from any thread, and each is atomic among all who share the state. Amounts are whole
numbers (tokens, requests, nano-USD), so that sums are exact. Times are in seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .._io import IO


@dataclass(slots=True)
class Hold:
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


@dataclass(slots=True)
class Spend:
    """What came of a hold: the *amount* that was used on the ledger *key*, which may be forgotten at *until*."""

    key: str
    amount: int
    until: float


@dataclass(slots=True)
class Ledger:
    """What a ledger says: the sum *used* and the sum *held* by reservations that are neither settled nor expired."""

    used: int = 0
    held: int = 0


@dataclass(slots=True)
class Refusal:
    """Why nothing was set aside or taken.

    Attributes:
        position: Of the first hold without room; `None` where all have it and a window has none.
        used, held: What the ledger of that hold says.
        wait: Seconds until the windows may have room, where it is they that have none.
    """

    position: int | None
    used: int = 0
    held: int = 0
    wait: float = 0.0


@dataclass(slots=True)
class Take:
    """An amount to take within a sliding window.

    The window is counted in `SLOTS` slots. A slot that began within the window counts whole, so no stretch of
    *window* seconds ever holds more than *limit*.

    Attributes:
        key: The window's name.
        amount: How much.
        limit: What the window may hold.
        window: Its length in seconds.
    """

    key: str
    amount: int
    limit: int
    window: float


@dataclass(slots=True)
class Change:
    """An amount to add to a sliding window whatever its limit.

    Attributes:
        key: The window's name.
        amount: How much, which may be negative.
        window: Its length in seconds.
        at: The time in whose slot it counts, that of the take which it corrects.
    """

    key: str
    amount: int
    window: float
    at: float


@dataclass(slots=True)
class Tally:
    """What a call adds to the sums of a period.

    Attributes:
        period: The period's name, which compares as text.
        key: What the sums are about.
        amounts: How much, by name.
        until: When the sums of the period may be forgotten.
    """

    period: str
    key: str
    amounts: "Sums"
    until: float


DEFAULT_MAX_BYTES = 64 * 1024 * 1024
"""Bound on all values that are kept, where none is given."""
SETTLED_FOR = 3600
"""Seconds for which a ticket is known to be settled: as long as the answer to that may be lost, and it be repeated."""
MOST = 2**62
"""The largest sum that is kept: what would be more counts as this, and harms no store."""
SLOTS = 60
"""Parts in which a sliding window is counted: the rate reached is at least SLOTS / (SLOTS + 1) of the limit."""

Sums = Mapping[str, int]
"""Amounts by name."""


def bounded(amount: int) -> int:
    """Return an amount as stores can add it up."""
    return amount if -MOST <= amount <= MOST else MOST if amount > 0 else -MOST


class Backend(Protocol):
    """A place to keep shared state.

    Raises:
        StoreError: From every method, where the place cannot be reached.
    """

    instant: bool
    """Whether no method waits for anything but a short lock."""

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Set aside all of *holds* and take all of *takes*, or nothing; what is held is given back at *expires*."""
        ...

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Give back what *ticket* holds, and count what was used; a second time for a ticket changes nothing.

        Args:
            ticket: The one under which it was admitted, or a new one.
            spends: What to count on ledgers.
            now: The time.
            changes: What to add to windows.
            tally: What to add to sums.

        Returns:
            The ledgers of *spends*.
        """
        ...

    def ledger(self, key: str, now: float) -> Ledger:
        """Read a ledger."""
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

    async def admit(
        self,
        io: "IO",
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

    async def settle(
        self,
        io: "IO",
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        /,
        *,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """See `Backend.settle`; where the store is down, all of it is kept and counted later."""
        ...

    async def ledger(self, io: "IO", key: str, now: float, /) -> Ledger:
        """See `Backend.ledger`."""
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
