"""One admission by a store: what was asked for, and how to undo it."""

from collections.abc import Sequence

from .base import Change, Hold, Spend, Take


class Admission:
    """An admission in progress, and whether its caller still wants it."""

    __slots__ = ("expires", "holds", "made", "now", "takes", "ticket", "unwanted")

    def __init__(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> None:
        self.ticket = ticket
        self.holds = holds
        self.takes = takes
        self.now = now
        self.expires = expires
        self.made = False
        self.unwanted = False

    def wanted(self) -> tuple[str, Sequence[Hold], Sequence[Take], float, float]:
        """Return the arguments of `Backend.admit`."""
        return self.ticket, self.holds, self.takes, self.now, self.expires

    def nothing(self) -> tuple[str, list[Spend], float, list[Change]]:
        """Return the arguments of `Backend.settle` that undo the admission.

        Windows are corrected only where it is known to have been made.
        """
        spends = [Spend(hold.key, 0, hold.until) for hold in self.holds]
        return self.ticket, spends, self.now, self.taken(-1) if self.made else []

    def taken(self, times: int) -> list[Change]:
        """Return the takes as changes, multiplied by *times*."""
        return [Change(take.key, times * take.amount, take.window, self.now) for take in self.takes]
