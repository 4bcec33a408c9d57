"""The interface of what keeps shared state, `Backend`, and what is passed to it.

The methods of a `Backend` are plain functions: they may block, may be called from any thread, and each is atomic among
all who share the state. Amounts are integers (tokens, requests, nano-USD),
so that totals are exact. Times are in seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

OnExpired: TypeAlias = Literal["count", "release"]


@dataclass(slots=True)
class Hold:
    """An amount to reserve on a ledger.

    Attributes:
        key: The ledger.
        amount: The amount.
        limit: Upper bound for the sum of used and held amounts, without what the ledger was granted; `None` for no
            bound.
        until: When the ledger may be deleted.
        on_expired: What becomes of the amount if the reservation expires: `release` gives it back, `count` counts it as
            used until the ticket is settled, which then counts what was really used instead.
    """

    key: str
    amount: int
    limit: int | None
    until: float
    on_expired: OnExpired = "release"


@dataclass(slots=True)
class Spend:
    """The settlement of a hold: the *amount* used on the ledger *key*, which may be deleted at *until*."""

    key: str
    amount: int
    until: float


@dataclass(slots=True)
class Ledger:
    """The balance of a ledger.

    Attributes:
        used: The sum that was used.
        held: The sum that is held by reservations neither settled nor expired.
        granted: What was added to its limit.
        resets: How often it was reset.
    """

    used: int = 0
    held: int = 0
    granted: int = 0
    resets: int = 0


@dataclass(slots=True)
class Refusal:
    """Why an admission was rejected.

    Attributes:
        position: Index of the first hold without room; `None` where only a window has no room.
        used, held, granted: Balance of the ledger of that hold.
        wait: Seconds until the windows may have room, where they have none.
        short: Indices of the takes without room; all of them where a backend names none.
    """

    position: int | None
    used: int = 0
    held: int = 0
    wait: float = 0.0
    short: Sequence[int] = field(default=(), compare=False)
    granted: int = 0


@dataclass(slots=True)
class Take:
    """An amount to take from a sliding window.

    The window is counted in `SLOTS` slots. A slot that began within the window counts in full, so no period of
    *window* seconds ever holds more than *limit*.

    Attributes:
        key: The window.
        amount: The amount.
        limit: Upper bound for the amounts within the window.
        window: Its length in seconds.
        patience: Seconds for which the caller will wait for room. Where the wait is no longer than that, the ticket
            keeps a place in front of those that ask later, until its caller has not asked for `BEAT + GRACE`
            seconds.
        at: When it was taken, by the store's own clock at that moment; set by the backend. Where a backend sets none,
            it is the `now` of the admission.
        as_of: When it counts from, for a call that was sent while the store was down; `None` where the store's clock
            says so.
    """

    key: str
    amount: int
    limit: int
    window: float
    patience: float = field(default=0.0, compare=False)
    at: float | None = field(default=None, compare=False)
    as_of: float | None = field(default=None, compare=False)


@dataclass(slots=True)
class Change:
    """An amount to add to a sliding window regardless of its limit; the ticket's place there, if any, is given up.

    Attributes:
        key: The window.
        amount: The amount, which may be negative; 0 only gives up the place.
        window: Its length in seconds.
        at: The time whose slot it is added to: that of the take which it corrects.
    """

    key: str
    amount: int
    window: float
    at: float


@dataclass(slots=True)
class Tally:
    """Amounts that a call adds to the totals of a period.

    Attributes:
        period: Name of the period; periods are ordered as text.
        key: The labels that the totals belong to, in an encoding of the caller's.
        amounts: The amounts by name.
        until: When the totals of the period may be deleted.
    """

    period: str
    key: str
    amounts: "Sums"
    until: float


DEFAULT_MAX_BYTES = 64 * 1024 * 1024
"""Default bound, in bytes, on all values kept by `set` together."""
SETTLED_FOR = 3600
"""Seconds for which a settled ticket is remembered, so that a repeated settlement has no effect."""
MOST = 2**62
"""The largest amount that is kept; larger ones are clamped to it, so that no backend overflows."""
BEAT = 1.0
"""Seconds after which a caller that waits for room asks again at the latest, which keeps its place."""
GRACE = 2.0
"""Seconds for which a place is kept beyond the time at which its caller should have asked again."""
SLOTS = 60
"""Slots of a sliding window. The admitted rate reaches at least SLOTS / (SLOTS + 1) of the limit."""

Sums = Mapping[str, int]
"""Amounts by name."""


def bounded(amount: int) -> int:
    """Clamp an amount to what every backend can add up, ±`MOST`."""
    return amount if -MOST <= amount <= MOST else MOST if amount > 0 else -MOST


class Backend(Protocol):
    """Keeps shared state.

    Raises:
        StoreError: From every method, where the backend cannot be reached.
    """

    instant: bool
    """Whether no method blocks for longer than a short lock."""

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing.

        Args:
            ticket: Identifies the admission; repeating it reserves no more.
            holds: Amounts to reserve.
            takes: Amounts to take.
            now: The current time. Takes are stamped later, while nobody else can take: by the store's own clock.
            expires: When an unsettled reservation expires, see `Hold.on_expired`.

        Returns:
            `None` if admitted, else the reason.
        """
        ...

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend the reservation of *ticket* on the ledgers of *holds* until *expires*; never shorten it.

        Returns:
            Whether all of them are still held. What has expired, was settled or was never admitted is not held again.
        """
        ...

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds, and count what was used. Repeating it for the same ticket changes nothing.

        Args:
            ticket: The ticket of the admission, or a new one.
            spends: Amounts to count on ledgers.
            now: The current time.
            changes: Amounts to add to windows.
            tally: Amounts to add to totals.

        Returns:
            The ledgers of *spends*, in order.
        """
        ...

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        ...

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*, compared as text: by period, key and name."""
        ...

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired."""
        ...

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until it is evicted for lack of room."""
        ...

    def close(self) -> None:
        """Close files and connections; later use opens them again."""
        ...
