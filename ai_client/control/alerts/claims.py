"""Claims on alerts: of all processes that share a store, one delivers each."""

import hashlib
import time
from dataclasses import dataclass

from ..._io.reading import read
from ...errors import StoreError
from ...stores import Hold, Spend, Store
from ...stores.tickets import new_ticket

CLAIM = 300.0
"""Seconds for which a process claims an alert that it is about to deliver; another one may, where it did not."""
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to deliver an alert.

    Attributes:
        hold: What is held in the store.
        ticket: Whose it is.
        until: When there may be another alert of it, in seconds since 1970.
    """

    hold: Hold
    ticket: str
    until: float


class AlertClaims:
    """The claims of one rule: reservations of 1 on ledgers with the limit 1.

    While the store is down, each process decides for itself.

    Args:
        store: Where they are made.
        rule: What tells the rule apart from others.
    """

    def __init__(self, store: Store, rule: str) -> None:
        self._store = store
        self._rule = rule

    def take(self, key: str, until: float) -> Claim | None:
        """Claim an alert, in one step; return `None` where another process has claimed or delivered it.

        Args:
            key: What tells it apart from others of its rule.
            until: When there may be another one, in seconds since 1970.
        """
        now = time.time()
        hold = Hold(f"alert|{digest(f'{self._rule}|{key}')}", 1, 1, until)
        claim = Claim(hold, new_ticket(), until)
        expires = min(until, now + CLAIM)
        try:
            refusal = read(
                lambda io: self._store.admit(io, claim.ticket, [hold], (), now=now, expires=expires),
                _PATIENCE,
            )
        except StoreError:
            refusal = None
        return claim if refusal is None else None

    def keep(self, claim: Claim) -> None:
        """Note that an alert was delivered, so that nobody delivers it again before its time."""
        now = time.time()
        if claim.until <= now or self._store.renew(claim.ticket, [claim.hold], now=now, expires=claim.until):
            return
        spend = Spend(claim.hold.key, 1, claim.until)  # the delivery took longer than the claim lasted
        read(lambda io: self._store.settle(io, claim.ticket, [spend], now), _PATIENCE)


def digest(text: str) -> str:
    """Return a short digest of a text, for keys and ids."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
