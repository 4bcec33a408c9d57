"""The ledgers and windows in which calls count now, cached per caller until a calendar window ends."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..._call.record import Record
from ...stores import Take
from ..scope import NEVER, PerCaller, Scope, Window, window
from .parts import OneBudget, OneRate, Place

_KEPT_AFTER = 86_400


class Places(NamedTuple):
    """The ledgers and windows in which a caller's calls count.

    Attributes:
        budgets: The ledger of each budget, in order.
        takes: What a call takes of windows that count requests.
        counted: The windows that count tokens; each call takes what it needs of them.
    """

    budgets: Sequence[Place] = ()
    takes: Sequence[Take] = ()
    counted: Sequence[Take] = ()


class _Stretch(NamedTuple):
    """A span of time in which no budget's window ends, and where calls count in it."""

    start: float
    end: float
    callers: PerCaller[Places]


class PlaceFinder:
    """Finds the ledgers and windows in which a call counts.

    Args:
        budgets: The budgets that apply.
        rates: The rate limits that apply.
    """

    def __init__(self, budgets: Sequence[OneBudget], rates: Sequence[OneRate]) -> None:
        self._budgets = budgets
        self._rates = rates
        self._scopes: list[Scope] = []
        for budget in budgets:
            self._scopes.extend(budget.scopes)
        for rate in rates:
            self._scopes.extend(rate.scopes)
        self._stretch = _Stretch(0.0, 0.0, PerCaller(_nowhere, ()))

    def at(self, now: float, record: Record) -> Places:
        """Return where a call counts at *now*, in seconds since 1970."""
        stretch = self._stretch
        if not stretch.start <= now < stretch.end:
            stretch = self._stretch = self._stretch_at(now)
        return stretch.callers.of(record)

    def _stretch_at(self, now: float) -> _Stretch:
        windows = [window(budget.per, budget.timezone, now) for budget in self._budgets]
        start = max((at.start for at in windows), default=0.0)
        end = min((at.end for at in windows), default=NEVER)
        return _Stretch(start, end, PerCaller(self._found_in(windows), self._scopes))

    def _found_in(self, windows: Sequence[Window]) -> "Callable[[Record], Places]":
        def find(record: Record) -> Places:
            ledgers = [
                Place(
                    budget.key(record, at),
                    budget.unit,
                    budget.limit if budget.hard else None,
                    min(at.end + _KEPT_AFTER, NEVER),
                )
                for budget, at in zip(self._budgets, windows, strict=True)
            ]
            takes = [take for rate in self._rates for take in rate.takes(record)]
            return Places(
                ledgers, [take for take in takes if take.amount], [take for take in takes if not take.amount]
            )

        return find


def _nowhere(record: Record) -> Places:
    del record
    return Places()
