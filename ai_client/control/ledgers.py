"""The ledgers on which the calls of the moment count, found without a look at the calendar."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .scope import NEVER, PerCaller, Window, window

if TYPE_CHECKING:
    from .budget import Budget, Unit
    from .record import Record

_KEPT_AFTER = 86_400


class Place(NamedTuple):
    """Where a call counts for one budget: the ledger, its unit, what it may reach, and when it may be forgotten."""

    key: str
    unit: "Unit"
    limit: int | None
    until: float


class _Stretch(NamedTuple):
    """A time in which no budget's window ends, and the ledgers of that time."""

    start: float
    end: float
    places: PerCaller[Sequence[Place]]


class Ledgers:
    """Finds the ledgers of some budgets.

    Args:
        budgets: The budgets.
    """

    def __init__(self, budgets: "Sequence[Budget]") -> None:
        self._budgets = budgets
        self._stretch = _Stretch(0.0, 0.0, PerCaller(_none))

    def at(self, now: float, record: "Record") -> Sequence[Place]:
        """Give where a call counts at a time, for each budget in turn."""
        stretch = self._stretch
        if not stretch.start <= now < stretch.end:
            stretch = self._stretch = self._stretch_at(now)
        return stretch.places.of(record)

    def _stretch_at(self, now: float) -> _Stretch:
        windows = [window(budget.per, budget.timezone, now) for budget in self._budgets]
        start = max((at.start for at in windows), default=0.0)
        end = min((at.end for at in windows), default=NEVER)
        return _Stretch(start, end, PerCaller(_finder(list(zip(self._budgets, windows, strict=True)))))


def _finder(pairs: "Sequence[tuple[Budget, Window]]") -> "Callable[[Record], Sequence[Place]]":
    def find(record: "Record") -> Sequence[Place]:
        return [
            Place(
                budget.key(record, at),
                budget.unit,
                budget.limit if budget.hard else None,
                min(at.end + _KEPT_AFTER, NEVER),
            )
            for budget, at in pairs
        ]

    return find


def _none(record: "Record") -> Sequence[Place]:
    del record
    return ()
