"""`django-cache://alias`: state in one of Django's caches, for services that share nothing else.

A cache has no scripts or transactions, so each operation takes a lock in the cache first. That is exact as long
as the cache's `add` is atomic (Memcached, Redis, the database and local memory; not the file cache), and slower
than the other stores: several round trips per operation.
"""

import secrets
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from .._fork import Uncut
from .._io.deadline import at_most
from ..errors import StoreError
from .base import SETTLED_FOR, SLOTS, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally
from .sliding_window import seconds_until_room

LOCK_TIMEOUT = 5.0
"""Seconds after which the lock of a process that died expires, and after which waiting for it fails."""
_FIRST_PAUSE = 0.001
_LAST_PAUSE = 0.05


_inside = (
    Uncut()
)  # a fork would copy the lock of a local memory cache, and the lock within the cache, as held


class DjangoCacheBackend:
    """State in a Django cache.

    Args:
        alias: The cache's name in `CACHES`.
        prefix: Prefix of all keys.
    """

    instant = False

    def __init__(self, alias: str = "default", prefix: str = "ai_client:") -> None:
        self._alias = alias
        self._prefix = prefix

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""
        with self._locked() as cache:
            accounts = [self._account(cache, hold.key, now) for hold in holds]
            for index, (hold, account) in enumerate(zip(holds, accounts, strict=True)):
                ledger = _figures(account)
                if ticket in account["holds"]:
                    continue
                if hold.limit is not None and ledger.used + ledger.held + hold.amount > hold.limit:
                    return Refusal(index, ledger.used, ledger.held)
            wait = max((self._wait(cache, take, now) for take in takes), default=0.0)
            if wait:
                return Refusal(None, wait=wait)
            for hold, account in zip(holds, accounts, strict=True):
                account["holds"].setdefault(ticket, (hold.amount, expires))
                self._keep(cache, f"ledger:{hold.key}", account, max(hold.until, expires), now)
            for take in takes:
                self._change(cache, Change(take.key, take.amount, take.window, now), now)
            return None

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""
        with self._locked() as cache:
            held = True
            for hold in holds:
                account = self._account(cache, hold.key, now)
                if ticket not in account["holds"]:
                    held = False
                    continue
                amount, before = account["holds"][ticket]
                account["holds"][ticket] = amount, max(before, expires)
                self._keep(cache, f"ledger:{hold.key}", account, max(hold.until, expires), now)
            return held

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds and count what was used, once."""
        with self._locked() as cache:
            fresh = cache.add(f"{self._prefix}settled:{ticket}", 1, SETTLED_FOR)
            ledgers: list[Ledger] = []
            for spend in spends:
                account = self._account(cache, spend.key, now)
                if fresh:
                    account["holds"].pop(ticket, None)
                    account["used"] += spend.amount
                    self._keep(cache, f"ledger:{spend.key}", account, spend.until, now)
                ledgers.append(_figures(account))
            if fresh:
                for change in changes:
                    self._change(cache, change, now)
                if tally is not None:
                    self._add(cache, tally, now)
            return ledgers

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        with self._failing() as cache, _inside():
            return _figures(self._account(cache, key, now))

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        with self._failing() as cache, _inside():
            periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
            wanted = [period for period in periods if first <= period <= last]
            return {period: cache.get(f"{self._prefix}sums:{period}") or {} for period in wanted}

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired."""
        del now
        with self._failing() as cache, _inside():
            value: bytes | None = cache.get(f"{self._prefix}kept:{key}")
            return value

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until the cache evicts it."""
        with self._failing() as cache, _inside():
            self._keep(cache, f"kept:{key}", value, expires, now)

    def close(self) -> None:
        """Do nothing: Django closes its caches itself."""

    @contextmanager
    def _failing(self) -> Generator[Any]:
        try:
            yield import_module("django.core.cache").caches[self._alias]
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"The Django cache {self._alias!r} failed ({type(error).__name__}).") from error

    @contextmanager
    def _locked(self) -> Generator[Any]:
        name, token = f"{self._prefix}lock", secrets.token_hex(8)
        with self._failing() as cache:
            give_up = time.monotonic() + at_most(LOCK_TIMEOUT)
            pause = _FIRST_PAUSE
            while True:
                with _inside():  # no fork from before the lock is taken until it is released
                    if cache.add(name, token, LOCK_TIMEOUT):
                        try:
                            yield cache
                        finally:
                            if cache.get(name) == token:
                                cache.delete(name)
                        return
                if time.monotonic() > give_up:
                    raise StoreError(f"The lock in the Django cache {self._alias!r} could not be acquired.")
                time.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE)

    def _account(self, cache: Any, key: str, now: float) -> dict[str, Any]:
        account: dict[str, Any] = cache.get(f"{self._prefix}ledger:{key}") or {"used": 0, "holds": {}}
        account["holds"] = {ticket: hold for ticket, hold in account["holds"].items() if hold[1] > now}
        return account

    def _slots(self, cache: Any, of: Take | Change, now: float) -> dict[int, int]:
        first = int(now / (of.window / SLOTS)) - SLOTS
        kept: dict[int, int] = cache.get(f"{self._prefix}window:{of.key}") or {}
        return {slot: amount for slot, amount in kept.items() if slot >= first}

    def _wait(self, cache: Any, take: Take, now: float) -> float:
        """Return the seconds until a take has room, 0 where it has."""
        slots = sorted(self._slots(cache, take, now).items())
        over = sum(amount for _, amount in slots) + take.amount - take.limit
        return seconds_until_room(slots, over, take.window / SLOTS, now) if over > 0 else 0.0

    def _change(self, cache: Any, change: Change, now: float) -> None:
        slots = self._slots(cache, change, now)
        slot = int(change.at / (change.window / SLOTS))
        slots[slot] = slots.get(slot, 0) + change.amount
        self._keep(cache, f"window:{change.key}", slots, now + 2 * change.window, now)

    def _add(self, cache: Any, tally: Tally, now: float) -> None:
        """Add a tally to the totals of its period."""
        periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
        live = {name: end for name, end in periods.items() if end > now}
        live[tally.period] = tally.until
        kept: dict[str, dict[str, int]] = cache.get(f"{self._prefix}sums:{tally.period}") or {}
        totals = kept.setdefault(tally.key, {})
        for name, amount in tally.amounts.items():
            totals[name] = totals.get(name, 0) + amount
        self._keep(cache, "periods", live, max(live.values()), now)
        self._keep(cache, f"sums:{tally.period}", kept, tally.until, now)

    def _keep(self, cache: Any, key: str, value: Any, until: float, now: float) -> None:
        cache.set(self._prefix + key, value, max(1.0, until - now))


def _figures(account: Mapping[str, Any]) -> Ledger:
    return Ledger(account["used"], sum(amount for amount, _ in account["holds"].values()))
