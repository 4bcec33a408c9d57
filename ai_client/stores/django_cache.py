"""`django-cache://alias`: state in one of Django's caches, for services that share nothing else.

A cache has no scripts or transactions, so each operation takes a lock in the cache first. That is exact as long
as the cache's `add` is atomic (Memcached, Redis, the database and local memory; not the file cache), and slower
than the other stores: several round trips per operation.
"""

import secrets
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from typing import Any

from .._fork import Uncut
from .._io.deadline import at_most
from ..errors import StoreError
from .base import SETTLED_FOR, SLOTS, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally
from .sliding_window import KEPT, Line, Queued, merged, seconds_until_room, stamp

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
                ledger = _figures(account, now)
                if hold.limit is not None and ledger.used + ledger.held + hold.amount > hold.limit:
                    return Refusal(index, ledger.used, ledger.held)
            refusal = self._take(cache, ticket, takes, now)
            if refusal is not None:
                return refusal
            for hold, account in zip(holds, accounts, strict=True):
                account["holds"][ticket] = hold.amount, expires, _counted_until(hold)
                self._keep(cache, self._name("ledger", hold.key), account, max(hold.until, expires), now)
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
                self._keep(cache, self._name("ledger", hold.key), account, max(hold.until, expires), now)
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
                    self._keep(cache, self._name("ledger", spend.key), account, spend.until, now)
                ledgers.append(_figures(account, now))
            if fresh:
                self._adjust(cache, ticket, changes, stamp(now, time.time()))
                if tally is not None:
                    self._add(cache, tally, now)
                cache.set(self._ticket(ticket), "settled", SETTLED_FOR)
            return ledgers

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        with self._failing() as cache, _inside():
            return _figures(self._account(cache, key, now), now)

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        with self._failing() as cache, _inside():
            periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
            wanted = [period for period in periods if first <= period <= last]
            return {period: cache.get(self._name("sums", period)) or {} for period in wanted}

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired."""
        del now
        with self._failing() as cache, _inside():
            value: object = cache.get(self._name("kept", key))
            return value if isinstance(value, bytes) else None  # others may use the cache too

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until the cache evicts it."""
        with self._failing() as cache, _inside():
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

    def _name(self, kind: str, name: str) -> str:
        """Return the key of something: names may be long and have spaces, which Memcached does not take."""
        return f"{self._prefix}{kind}:{sha256(name.encode(errors='surrogatepass')).hexdigest()}"

    def _account(self, cache: Any, key: str, now: float) -> dict[str, Any]:
        account: dict[str, Any] = cache.get(self._name("ledger", key)) or {"used": 0, "holds": {}}
        account["holds"] = {
            ticket: hold for ticket, hold in account["holds"].items() if hold[1] > now or hold[2] > now
        }
        return account

    def _slots(self, cache: Any, of: Take | Change, now: float) -> dict[int, int]:
        number = int(now / (of.window / SLOTS))
        kept: dict[int, int] = cache.get(self._name("window", of.key)) or {}
        live = {slot: amount for slot, amount in kept.items() if slot >= number - SLOTS}
        if live and max(live) > number:
            live = merged(live, number)
            self._keep(cache, self._name("window", of.key), live, now + 2 * of.window, now)
        return live

    def _take(self, cache: Any, ticket: str, takes: Sequence[Take], now: float) -> Refusal | None:
        """Take amounts from windows, all or none; a caller that waits keeps its place where there is no room."""
        at = stamp(now, time.time())
        lines = [self._line(cache, take.key) for take in takes]
        waits = [
            self._wait(cache, take, line.ahead_of(ticket, at), at)
            for take, line in zip(takes, lines, strict=True)
        ]
        wait = max(waits, default=0.0)
        for take, line, alone in zip(takes, lines, waits, strict=True):
            if alone and wait <= take.patience:
                line.keep(ticket, take.amount, wait, at)
                self._keep_line(cache, take.key, line)
            elif line.pop(ticket, None):
                self._keep_line(cache, take.key, line)
        if wait:
            return Refusal(None, wait=wait, short=[index for index, alone in enumerate(waits) if alone])
        for take in takes:
            take.at = at if take.as_of is None else take.as_of
            self._change(cache, Change(take.key, take.amount, take.window, take.at), at)
        return None

    def _wait(self, cache: Any, take: Take, ahead: int, at: float) -> float:
        """Return the seconds until a take has room behind those who came before, 0 where it has or needs none."""
        if take.as_of is not None:
            return 0.0
        width = take.window / SLOTS
        slots = sorted(self._slots(cache, take, at).items())
        over = sum(amount for _, amount in slots) + ahead + take.amount - take.limit
        return seconds_until_room(slots, over, take.limit, width, at) if over > 0 else 0.0

    def _line(self, cache: Any, key: str) -> Line:
        kept: dict[str, tuple[int, float]] = cache.get(self._name("line", key)) or {}
        return Line({ticket: Queued(*place) for ticket, place in kept.items()})

    def _keep_line(self, cache: Any, key: str, line: Line) -> None:
        places = {ticket: tuple(place) for ticket, place in line.items()}
        cache.set(self._name("line", key), places, KEPT)

    def _adjust(self, cache: Any, ticket: str, changes: Sequence[Change], at: float) -> None:
        """Add amounts to windows, and give up the places that a ticket has there."""
        for change in changes:
            line = self._line(cache, change.key)
            if line.pop(ticket, None):
                self._keep_line(cache, change.key, line)
            if change.amount:
                self._change(cache, change, at)

    def _change(self, cache: Any, change: Change, now: float) -> None:
        slots = self._slots(cache, change, now)
        slot = int(change.at / (change.window / SLOTS))
        slots[slot] = slots.get(slot, 0) + change.amount
        self._keep(cache, self._name("window", change.key), slots, now + 2 * change.window, now)

    def _add(self, cache: Any, tally: Tally, now: float) -> None:
        """Add a tally to the totals of its period."""
        periods: dict[str, float] = cache.get(f"{self._prefix}periods") or {}
        live = {name: end for name, end in periods.items() if end > now}
        live[tally.period] = tally.until
        kept: dict[str, dict[str, int]] = cache.get(self._name("sums", tally.period)) or {}
        totals = kept.setdefault(tally.key, {})
        for name, amount in tally.amounts.items():
            totals[name] = totals.get(name, 0) + amount
        self._keep(cache, f"{self._prefix}periods", live, max(live.values()), now)
        self._keep(cache, self._name("sums", tally.period), kept, tally.until, now)

    def _keep(self, cache: Any, key: str, value: Any, until: float, now: float) -> None:
        cache.set(key, value, max(1.0, until - now))


def _figures(account: Mapping[str, Any], now: float) -> Ledger:
    """Return the balance of a ledger; what has expired and is still kept counts as used."""
    expired = sum(amount for amount, expires, _ in account["holds"].values() if expires <= now)
    held = sum(amount for amount, expires, _ in account["holds"].values() if expires > now)
    return Ledger(account["used"] + expired, held)


def _counted_until(hold: Hold) -> float:
    """Return until when a reservation counts as used after its end."""
    return hold.until if hold.on_expired == "count" else 0.0
