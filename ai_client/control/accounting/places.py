"""Find where a call counts: the ledger of each budget, and the windows of each rate limit."""

from collections.abc import Sequence
from typing import NamedTuple

from ..._call.record import Record
from ...stores import Change, Take
from ..windows import NEVER, window
from .parts import OneBudget, OneRate, Place

_KEPT_AFTER = 86_400.0
"""Seconds for which a ledger is kept after its window, for calls that are settled late."""


def places_of(budgets: Sequence[OneBudget], record: Record, now: float) -> list[Place]:
    """Return the ledger of each budget in which a call counts at *now*, in seconds since 1970."""
    places: list[Place] = []
    for budget in budgets:
        at = window(budget.per, budget.timezone, now)
        limit = budget.limit if budget.hard else None
        places.append(Place(budget.key(record, at), budget.unit, limit, min(at.end + _KEPT_AFTER, NEVER)))
    return places


class Takes(NamedTuple):
    """The amounts that a call takes of the windows of rate limits.

    Attributes:
        requests: One request of each window that counts requests.
        tokens: Its estimated tokens of each window that counts tokens; at most the whole window.
        all: Both.
    """

    requests: list[Take]
    tokens: list[Take]
    all: list[Take]

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
    return Takes(requests, spent, requests + spent)
