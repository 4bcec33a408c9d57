"""Find where a call counts: the ledger of each budget, and the windows of each rate limit."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..._call.record import Record
from ...stores import Change, Take
from ..scope import key_in
from ..windows import NEVER, Window, window
from .parts import OneBudget, OneRate, Place

_KEPT_AFTER = 86_400.0
"""Seconds for which a ledger is kept after its window, for calls that are settled late."""
_CALLERS_KEPT = 1000


class Places:
    """The ledgers of one budget in the window that was asked for last, by the caller whose they are.

    Args:
        budget: The budget.
    """

    __slots__ = ("_budget", "_known")

    def __init__(self, budget: OneBudget) -> None:
        self._budget = budget
        self._known: tuple[Window, dict[str, Place]] = Window("", 0.0), {}

    def of(self, record: Record, now: float) -> Place:
        """Return the ledger in which a call counts at *now*, in seconds since 1970."""
        budget = self._budget
        at, known = self._known
        if not at.start <= now < at.end:
            at, known = self._known = window(budget.per, budget.timezone, now), {}
        caller = key_in(budget.scopes, record)
        found = known.get(caller)
        if found is None:
            if len(known) >= _CALLERS_KEPT:
                known.clear()
            limit = budget.limit if budget.hard else None
            until = kept_until(at)
            found = known[caller] = Place(budget.key(record, at), budget.unit, limit, until)
        return found


def kept_until(at: Window) -> float:
    """Return when the ledgers of a window may be forgotten."""
    return min(at.end + _KEPT_AFTER, NEVER)


def places_of(budgets: Sequence[OneBudget], record: Record, now: float) -> list[Place]:
    """Return the ledger of each budget in which a call counts at *now*, in seconds since 1970."""
    return [budget.places.of(record, now) for budget in budgets]


@dataclass(slots=True)
class Takes:
    """The amounts that a call takes of the windows of rate limits.

    Attributes:
        all: One request of each window that counts requests, then the tokens.
        tokens: Its estimated tokens of each window that counts tokens; at most the whole window.
    """

    all: list[Take]
    tokens: list[Take]

    def corrected(self, tokens: int, at: float) -> list[Change]:
        """Return how to change what was taken *at* a time, now that so many tokens were used."""
        return [_change(take, tokens - take.amount, at) for take in self.tokens]

    def given_back(self, at: float, *, requests: bool) -> list[Change]:
        """Return how to give back what was taken *at* a time: the tokens, and the requests where they count no more."""
        return [_change(take, -take.amount, at) for take in (self.all if requests else self.tokens)]


def _change(take: Take, amount: int, at: float) -> Change:
    return Change(take.key, amount, take.window, at if take.at is None else take.at)


def takes_of(limits: Sequence[OneRate], record: Record, tokens: int) -> Takes:
    """Return what a call that needs so many *tokens* takes; 0 takes nothing of the windows of tokens."""
    requests: list[Take] = []
    spent: list[Take] = []
    for limit in limits:
        one, some = limit.takes(record, tokens)
        if one is not None:
            requests.append(one)
        if some is not None:
            spent.append(some)
    return Takes(requests + spent if requests else spent, spent)
