"""`django-cache://alias`: state in one of Django's caches, for services that have nothing else to share.

A cache offers no scripts, so each operation takes a lock in the cache first. That is exact as long as the cache's
`add` is atomic (Memcached, Redis, the database and local memory; not the file cache), and slower than a store made
for it: several round trips an operation.
"""

import secrets
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ..errors import StoreError
from .base import SLOTS, Hold, Ledger, Refusal, Spend, Sums, Take
from .memory import seconds_until_room

LOCK_TIMEOUT = 5.0
"""Seconds after which the lock of a process that died is void; waiting for it gives up then too."""
_SETTLED_FOR = 86_400
_FIRST_PAUSE = 0.001
_LAST_PAUSE = 0.05


class DjangoCacheBackend:
    """State in a Django cache.

    Args:
        alias: The cache's name in `CACHES`.
        prefix: What the names of all keys begin with.
    """

    instant = False

    def __init__(self, alias: str = "default", prefix: str = "ai_client:") -> None:
        self._alias = alias
        self._prefix = prefix

    def reserve(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> Refusal | None:
        """Set aside all of *holds* or none."""
        with self._locked() as cache:
            accounts = [self._account(cache, hold.key, now) for hold in holds]
            for index, (hold, account) in enumerate(zip(holds, accounts, strict=True)):
                used, held = _figures(account)
                if hold.limit is not None and used + held + hold.amount > hold.limit:
                    return Refusal(index, used, held)
            for hold, account in zip(holds, accounts, strict=True):
                account["holds"].setdefault(ticket, (hold.amount, expires))
                self._keep(cache, f"ledger:{hold.key}", account, max(hold.until, expires), now)
            return None

    def settle(self, ticket: str, spends: Sequence[Spend], now: float) -> list[Ledger]:
        """Give back what *ticket* holds and count what was used, once."""
        with self._locked() as cache:
            fresh = cache.add(f"{self._prefix}settled:{ticket}", 1, _SETTLED_FOR)
            ledgers: list[Ledger] = []
            for spend in spends:
                account = self._account(cache, spend.key, now)
                if fresh:
                    account["holds"].pop(ticket, None)
                    account["used"] += spend.amount
                    self._keep(cache, f"ledger:{spend.key}", account, spend.until, now)
                ledgers.append(_figures(account))
            return ledgers

    def ledger(self, key: str, now: float) -> Ledger:
        """Read a ledger."""
        with self._failing() as cache:
            return _figures(self._account(cache, key, now))

    def take(self, takes: Sequence[Take], now: float) -> float:
        """Take all of *takes* and give 0, or none and give the seconds until there may be room."""
        with self._locked() as cache:
            wait = 0.0
            for take in takes:
                width = take.window / SLOTS
                slots = sorted(self._slots(cache, take, now).items())
                over = sum(amount for _, amount in slots) + take.amount - take.limit
                if over > 0:
                    wait = max(wait, seconds_until_room(slots, over, width, now))
            if not wait:
                self._add_to_windows(cache, takes, now)
            return wait

    def adjust(self, takes: Sequence[Take], now: float) -> None:
        """Add amounts to windows whatever their limits."""
        with self._locked() as cache:
            self._add_to_windows(cache, takes, now)

    def add(self, ticket: str, period: str, sums: Mapping[str, Sums], until: float) -> None:
        """Add to the sums of a period, once."""
        now = time.time()
        with self._locked() as cache:
            if not cache.add(f"{self._prefix}settled:{ticket}", 1, _SETTLED_FOR):
                return
            periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
            live = {name: end for name, end in periods.items() if end > now}
            live[period] = until
            kept: dict[str, dict[str, int]] = cache.get(f"{self._prefix}sums:{period}") or {}
            for key, amounts in sums.items():
                totals = kept.setdefault(key, {})
                for name, amount in amounts.items():
                    totals[name] = totals.get(name, 0) + amount
            self._keep(cache, "periods", live, max(live.values()), now)
            self._keep(cache, f"sums:{period}", kept, until, now)

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Read the sums of the periods from *first* to *last*."""
        with self._failing() as cache:
            periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
            wanted = [period for period in periods if first <= period <= last]
            return {period: cache.get(f"{self._prefix}sums:{period}") or {} for period in wanted}

    def get(self, key: str, now: float) -> bytes | None:
        """Read a value, unless it has expired."""
        del now
        with self._failing() as cache:
            value: bytes | None = cache.get(f"{self._prefix}kept:{key}")
            return value

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or as long as the cache sees fit."""
        with self._failing() as cache:
            self._keep(cache, f"kept:{key}", value, expires, now)

    def close(self) -> None:
        """Leave the cache to Django, which closes it."""

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
            give_up = time.monotonic() + LOCK_TIMEOUT
            pause = _FIRST_PAUSE
            while not cache.add(name, token, LOCK_TIMEOUT):
                if time.monotonic() > give_up:
                    raise StoreError(f"The lock in the Django cache {self._alias!r} was not to be had.")
                time.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE)
            try:
                yield cache
            finally:
                if cache.get(name) == token:
                    cache.delete(name)

    def _account(self, cache: Any, key: str, now: float) -> dict[str, Any]:
        account: dict[str, Any] = cache.get(f"{self._prefix}ledger:{key}") or {"used": 0, "holds": {}}
        account["holds"] = {ticket: hold for ticket, hold in account["holds"].items() if hold[1] > now}
        return account

    def _slots(self, cache: Any, take: Take, now: float) -> dict[int, int]:
        first = int(now / (take.window / SLOTS)) - SLOTS
        kept: dict[int, int] = cache.get(f"{self._prefix}window:{take.key}") or {}
        return {slot: amount for slot, amount in kept.items() if slot >= first}

    def _add_to_windows(self, cache: Any, takes: Sequence[Take], now: float) -> None:
        for take in takes:
            slots = self._slots(cache, take, now)
            slot = int(now / (take.window / SLOTS))
            slots[slot] = slots.get(slot, 0) + take.amount
            self._keep(cache, f"window:{take.key}", slots, now + 2 * take.window, now)

    def _keep(self, cache: Any, key: str, value: Any, until: float, now: float) -> None:
        cache.set(self._prefix + key, value, max(1.0, until - now))


def _figures(account: Mapping[str, Any]) -> Ledger:
    return Ledger(account["used"], sum(amount for amount, _ in account["holds"].values()))
