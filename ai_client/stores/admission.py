"""One admission by a store: what was asked for, and how to undo it."""

from collections.abc import Sequence
from dataclasses import replace

from .base import MOST, Change, Hold, Refusal, Spend, Take


class Admission:
    """An admission in progress, and whether its caller still wants it.

    Attributes:
        made: Whether it was made.
        waits: Whether the backend may keep a place for it.
        unwanted: Whether its caller is gone.
    """

    __slots__ = ("expires", "holds", "made", "now", "takes", "ticket", "unwanted", "waits")

    def __init__(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> None:
        self.ticket = ticket
        self.holds = holds
        self.takes = takes
        self.now = now
        self.expires = expires
        self.made = self.waits = False
        self.unwanted = False

    def answered(self, refusal: Refusal | None) -> None:
        """Note what the backend answered."""
        self.made = refusal is None
        self.waits = refusal is not None and any(take.patience for take in self.takes)

    def wanted(self) -> tuple[str, Sequence[Hold], Sequence[Take], float, float]:
        """Return the arguments of `Backend.admit`."""
        return self.ticket, self.holds, self.takes, self.now, self.expires

    def let_through(self) -> tuple[str, Sequence[Hold], Sequence[Take], float, float]:
        """Return the arguments of `Backend.admit` that take the amounts whatever the limits, and hold nothing.

        Where the admission had been made although no reply arrived, they change nothing.
        """
        takes = [replace(take, limit=2 * MOST, patience=0.0, as_of=self.now) for take in self.takes]
        return self.ticket, (), takes, self.now, self.expires

    def nothing(self, *, made: bool) -> tuple[str, list[Spend], float, list[Change]]:
        """Return the arguments of `Backend.settle` that undo the admission.

        Windows are corrected only if it was *made*; places in front of them are given up.
        """
        spends = [Spend(hold.key, 0, hold.until) for hold in self.holds]
        changes = [
            Change(
                take.key, -take.amount if made else 0, take.window, self.now if take.at is None else take.at
            )
            for take in self.takes
        ]
        return self.ticket, spends, self.now, changes
