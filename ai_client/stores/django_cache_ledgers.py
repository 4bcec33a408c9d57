"""Ledgers in a Django cache, and lists of them, as a cache lists nothing itself."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from .base import Ledger, bounded
from .django_cache_entries import CacheEntries

_LISTS = 64
"""Entries over which the keys of ledgers are spread: a cache may bound the size of each."""


class CacheLedgers(CacheEntries):
    """The ledgers of a backend, each change of which is made under its lock."""

    def _account(self, cache: Any, key: str, now: float) -> dict[str, Any]:
        return _live(cache.get(self._name("ledger", key)) or {"used": 0, "holds": {}}, now)

    def _keep_account(self, cache: Any, key: str, account: dict[str, Any], until: float, now: float) -> None:
        """Keep a ledger, and list it if it is new."""
        if not account.get("listed"):
            account["listed"] = True
            name = self._list_of(crc32(key.encode(errors="surrogatepass")) % _LISTS)
            known: dict[str, float] = cache.get(name) or {}
            live = {other: end for other, end in known.items() if end > now}
            live[key] = until
            self._keep(cache, name, live, max(live.values()), now)
        self._keep(cache, self._name("ledger", key), account, until, now)

    def _listed(self, cache: Any, prefix: str, now: float) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*."""
        lists: dict[str, dict[str, float]] = cache.get_many([self._list_of(each) for each in range(_LISTS)])
        keys = [
            key
            for known in lists.values()
            for key, end in known.items()
            if end > now and key.startswith(prefix)
        ]
        names = {self._name("ledger", key): key for key in keys}
        found: dict[str, dict[str, Any]] = cache.get_many([*names])
        return {names[name]: balance_of(_live(account, now), now) for name, account in found.items()}

    def _adjusted(self, account: dict[str, Any], now: float, grant: int, *, reset: bool) -> None:
        """Take away what is used, and raise the limit."""
        if reset:
            account["used"] = 0
            account["holds"] = {ticket: hold for ticket, hold in account["holds"].items() if hold[1] > now}
            account["resets"] = account.get("resets", 0) + 1
        account["granted"] = bounded(account.get("granted", 0) + grant)

    def _list_of(self, number: int) -> str:
        return f"{self._prefix}ledgers:{number}"


def _live(account: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a ledger without the reservations that have expired and count no more."""
    account["holds"] = {
        ticket: hold for ticket, hold in account["holds"].items() if hold[1] > now or hold[2] > now
    }
    return account


def balance_of(account: Mapping[str, Any], now: float) -> Ledger:
    """Return the balance of a ledger; what has expired and is still kept counts as used."""
    expired = sum(amount for amount, expires, _ in account["holds"].values() if expires <= now)
    held = sum(amount for amount, expires, _ in account["holds"].values() if expires > now)
    return Ledger(account["used"] + expired, held, account.get("granted", 0), account.get("resets", 0))
