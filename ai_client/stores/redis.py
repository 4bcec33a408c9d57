"""`redis://`: state shared across machines; each operation is one script and one round trip."""

import re
import time
from collections.abc import Sequence
from typing import Any

from .._fork import PerProcess
from ..errors import StoreError
from .base import (
    BEAT,
    GRACE,
    SETTLED_FOR,
    SLOTS,
    Change,
    Hold,
    Ledger,
    Refusal,
    Spend,
    Take,
    Tally,
    bounded,
)
from .redis_log import RedisLogs
from .redis_scripts import ADJUST, ADMIT, LEDGERS, RENEW, SCAN, SETTLE, Script
from .redis_totals import RedisTotals
from .sliding_window import is_simulated

_LEDGER, _LEDGERS = "ledger:", "ledgers"
_AT_ONCE = 500
"""Ledgers that are looked at in one command."""


class RedisBackend(RedisLogs, RedisTotals):
    """State in Redis 6 or later, or a server that speaks its protocol; a cluster and sentinels too.

    All keys that a script uses share one hash tag, and thus one slot of a cluster. Cached values have no tag, and
    spread over all of its nodes.

    Args:
        url: As `redis.Redis.from_url` accepts it: `redis://`, `rediss://` or `unix://`; or
            `redis+cluster://host:port,host:port`; or `redis+sentinel://host:port,host:port/service/db`. The last two
            with `rediss+` for TLS.
        prefix: Prefix of all keys.

    Raises:
        ImportError: The redis library is not installed.
        ValueError, TypeError: The address or an option in it is invalid.
    """

    instant = False

    def __init__(self, url: str, prefix: str = "ai_client:") -> None:
        try:
            from redis.exceptions import NoScriptError  # noqa: PLC0415

            from .redis_address import place_in, route_to  # noqa: PLC0415 - imports redis, an extra
        except ImportError as error:
            raise ImportError(
                "A redis:// store needs the redis library: pip install 'ai-client[redis]'"
            ) from error
        name = prefix.rstrip(":")
        self._together = f"{{{name}}}:"
        self._apart = f"{name}:"
        self.place = place_in(url), prefix
        self._unknown: type[Exception] = NoScriptError
        # a new one in each child: after a fork, redis-py waits for locks that a parent's thread may hold
        self._route = PerProcess(route_to(url))

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""
        keys = [name for hold in holds for name in _ledger(hold.key)]
        keys += [*(name for take in takes for name in _window(take.key)), _LEDGERS, f"ticket:{ticket}"]
        simulated = repr(now) if is_simulated(now, time.time()) else ""
        as_of = "" if not takes or takes[0].as_of is None else repr(takes[0].as_of)
        args: list[Any] = [ticket, repr(now), repr(expires), SLOTS, len(holds), len(takes)]
        args += [simulated, BEAT, GRACE, SETTLED_FOR, as_of]
        for hold in holds:
            limit = "" if hold.limit is None else hold.limit
            args += [bounded(hold.amount), limit, repr(hold.until), hold.on_expired]
        for take in takes:
            args += [bounded(take.amount), take.limit, repr(take.window), repr(take.patience)]
        position, used, held, said, *short = self._run(ADMIT, keys, args)
        if position >= 0:
            return Refusal(position, used, held, granted=short[0])
        if short:
            return Refusal(None, wait=float(said), short=short)
        for take in takes:
            take.at = float(said)
        return None

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""
        if not holds:
            return True
        keys = [name for hold in holds for name in _ledger(hold.key)]
        args = [ticket, repr(now), repr(expires), *(repr(hold.until) for hold in holds)]
        held: int = self._run(RENEW, keys, args)
        return held == len(holds)

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds and count what was used, once."""
        keys = [f"ticket:{ticket}", _LEDGERS]
        args: list[Any] = [ticket, repr(now), SETTLED_FOR, len(spends), len(changes)]
        for spend in spends:
            keys += _ledger(spend.key)
            args += [bounded(spend.amount), repr(spend.until)]
        for change in changes:
            keys += _window(change.key)
            args += [bounded(change.amount), repr(change.window), int(change.at / (change.window / SLOTS))]
        if tally is not None:
            keys += [f"sums:{tally.period}", "periods", "periods:ends"]
            args += [tally.period, int(tally.until)]
            for name, amount in tally.amounts.items():
                args += [f"{name}\0{tally.key}", bounded(amount)]
        return [Ledger(*ledger) for ledger in self._run(SETTLE, keys, args)]

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        (found,) = self._run(LEDGERS, [*_ledger(key)], [repr(now)])
        return Ledger(*found)

    def ledgers(self, prefix: str, now: float) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*, some at a time."""
        start = f"{self._together}{_LEDGER}"
        pattern = re.sub(rb"([*?\[\]\\^])", rb"\\\1", f"{start}{prefix}".encode()) + b"*"
        unique: dict[str, None] = {}
        cursor: bytes | None = b"0"
        while cursor is not None:
            said, members = self._run(SCAN, [_LEDGERS], [cursor, pattern, _AT_ONCE])
            unique.update(dict.fromkeys(member.decode().removeprefix(start) for member in members[::2]))
            cursor = said if int(said) else None
        keys = [*unique]
        found: dict[str, Ledger] = {}
        for first in range(0, len(keys), _AT_ONCE):
            some = keys[first : first + _AT_ONCE]
            names = [name for key in some for name in _ledger(key)]
            balances = self._run(LEDGERS, names, [repr(now)])
            found.update(zip(some, (Ledger(*one) for one in balances), strict=True))
        return found

    def adjust(
        self, ticket: str, key: str, until: float, now: float, *, grant: int = 0, reset: bool = False
    ) -> Ledger:
        """Reset a ledger or raise its limit, once."""
        keys = [f"ticket:{ticket}", _LEDGERS, *_ledger(key)]
        args = [repr(now), SETTLED_FOR, repr(until - now), int(reset), bounded(grant)]
        return Ledger(*self._run(ADJUST, keys, args))

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired by the server's clock."""
        del now
        name = f"{self._apart}kept:{key}"
        try:
            value: bytes | None = self._route().run(name, "GET", name)
        except Exception as error:
            if str(error).startswith("WRONGTYPE"):  # another program's, under the same name
                return None
            raise self._failure(error) from error
        return value

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*; the server's `maxmemory` bounds all of them together."""
        milliseconds = int((expires - now) * 1000)
        if milliseconds > 0:
            self._call("SET", f"{self._apart}kept:{key}", value, "PX", milliseconds)

    def close(self) -> None:
        """Close the connections that no other thread is using; later use opens new ones."""
        self._route().close()

    def _run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script; load it where the server does not know it."""
        names = [self._together + key for key in keys]
        rest = [len(names), *names, *args]
        try:
            try:
                return self._route().run(names[0], "EVALSHA", script.digest, *rest)
            except self._unknown:
                return self._route().run(names[0], "EVAL", script.text, *rest)
        except Exception as error:  # a server that speaks another protocol raises more than RedisError
            raise self._failure(error) from error

    def _call(self, command: str, key: str, *args: Any) -> Any:
        try:
            return self._route().run(key, command, key, *args)
        except Exception as error:  # a server that speaks another protocol raises more than RedisError
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(
            f"The Redis store failed ({type(error).__name__}). Check that the server is up and reachable."
        )


def _ledger(key: str) -> tuple[str, str]:
    """Return the names of a ledger and of the times at which its reservations expire."""
    return f"{_LEDGER}{key}", f"{_LEDGER}{key}:due"


def _window(key: str) -> tuple[str, str]:
    """Return the names of a window and of the places of those who wait for it."""
    return f"window:{key}", f"window:{key}:line"
