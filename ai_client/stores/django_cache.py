"""`django-cache://alias`: state in one of Django's caches, for services that share nothing else.

A cache has no scripts or transactions, so each operation takes a lock in the cache first. That is exact as long
as the cache's `add` is atomic (Memcached, Redis, the database and local memory; not the file cache), and slower
than the other stores: several round trips per operation.
"""

import secrets
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from .._fork import Uncut
from .._io.deadline import at_most
from ..errors import StoreError
from .base import SETTLED_FOR, Change, Hold, Ledger, Refusal, Spend, Take, Tally
from .django_cache_ledgers import CacheLedgers, balance_of
from .django_cache_totals import CacheTotals
from .django_cache_windows import CacheWindows
from .sliding_window import stamp

LOCK_TIMEOUT = 5.0
"""Seconds after which the lock of a process that died expires, and after which waiting for it fails."""
_FIRST_PAUSE = 0.001
_LAST_PAUSE = 0.05


_inside = (
    Uncut()
)  # a fork would copy the lock of a local memory cache, and the lock within the cache, as held


class DjangoCacheBackend(CacheWindows, CacheLedgers, CacheTotals):
    """State in a Django cache.

    Args:
        alias: The cache's name in `CACHES`.
        prefix: Prefix of all keys.
    """

    instant = False

    def __init__(self, alias: str = "default", prefix: str = "ai_client:") -> None:
        self.place = "django-cache", alias, prefix
        self._alias = alias
        self._prefix = prefix

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""
        with self._locked() as cache:
            if cache.get(self._ticket(ticket)) is not None:
                return None
            accounts = [self._account(cache, hold.key, now) for hold in holds]
            for index, (hold, account) in enumerate(zip(holds, accounts, strict=True)):
                ledger = balance_of(account, now)
                if (
                    hold.limit is not None
                    and ledger.used + ledger.held + hold.amount > hold.limit + ledger.granted
                ):
                    return Refusal(index, ledger.used, ledger.held, granted=ledger.granted)
            refusal = self._take(cache, ticket, takes, now)
            if refusal is not None:
                return refusal
            for hold, account in zip(holds, accounts, strict=True):
                account["holds"][ticket] = hold.amount, expires, _counted_until(hold)
                self._keep_account(cache, hold.key, account, max(hold.until, expires), now)
            cache.set(self._ticket(ticket), "admitted", SETTLED_FOR)
            return None

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""
        with self._locked() as cache:
            held = True
            for hold in holds:
                account = self._account(cache, hold.key, now)
                amount, before, counted_until = account["holds"].get(ticket, (0, 0.0, 0.0))
                if before <= now:
                    held = False
                    continue
                account["holds"][ticket] = amount, max(before, expires), counted_until
                self._keep_account(cache, hold.key, account, max(hold.until, expires), now)
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
            fresh = cache.get(self._ticket(ticket)) != "settled"
            ledgers: list[Ledger] = []
            for spend in spends:
                account = self._account(cache, spend.key, now)
                if fresh:
                    account["holds"].pop(ticket, None)
                    account["used"] += spend.amount
                    self._keep_account(cache, spend.key, account, spend.until, now)
                ledgers.append(balance_of(account, now))
            if fresh:
                self._adjust(cache, ticket, changes, stamp(now, time.time()))
                if tally is not None:
                    self._add(cache, {tally.period: (tally.until, {tally.key: {**tally.amounts}})}, now)
                cache.set(self._ticket(ticket), "settled", SETTLED_FOR)
            return ledgers

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        with self._in_use() as cache:
            return balance_of(self._account(cache, key, now), now)

    def ledgers(self, prefix: str, now: float) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*, as far as the cache has not evicted what lists them."""
        with self._in_use() as cache:
            return self._listed(cache, prefix, now)

    def adjust(
        self, ticket: str, key: str, until: float, now: float, *, grant: int = 0, reset: bool = False
    ) -> Ledger:
        """Reset a ledger or raise its limit, once."""
        with self._locked() as cache:
            account = self._account(cache, key, now)
            if cache.get(self._ticket(ticket)) is None:
                self._adjusted(account, now, grant, reset=reset)
                self._keep_account(cache, key, account, until, now)
                cache.set(self._ticket(ticket), "settled", SETTLED_FOR)
            return balance_of(account, now)

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired."""
        del now
        with self._in_use() as cache:
            value: object = cache.get(self._name("kept", key))
            return value if isinstance(value, bytes) else None  # others may use the cache too

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until the cache evicts it."""
        with self._in_use() as cache:
            self._keep(cache, self._name("kept", key), value, expires, now)

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
    def _in_use(self) -> Generator[Any]:
        with self._failing() as cache, _inside():
            yield cache

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

    def _ticket(self, ticket: str) -> str:
        return self._name("ticket", ticket)


def _counted_until(hold: Hold) -> float:
    """Return until when a reservation counts as used after its end."""
    return hold.until if hold.on_expired == "count" else 0.0
