"""`redis://`: state shared across machines; each operation is one script and one round trip."""

import time
from collections.abc import Sequence
from typing import Any, cast

from .._fork import PerProcess
from .._io.deadline import at_most
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
    Sums,
    Take,
    Tally,
    bounded,
)
from .redis_scripts import ADMIT, LEDGER, RENEW, SETTLE, SUMS
from .sliding_window import is_simulated

TIMEOUT = 1.0
"""Seconds to wait for a connection or a reply."""


class _Server:
    """The connections and registered scripts of one process."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.scripts = {
            "admit": redis.register_script(ADMIT),
            "renew": redis.register_script(RENEW),
            "settle": redis.register_script(SETTLE),
            "ledger": redis.register_script(LEDGER),
            "sums": redis.register_script(SUMS),
        }


class _InTime:
    """A mixin for redis-py connections that bounds their timeouts by the deadline of the current call."""

    def _connect(self) -> Any:
        connection: Any = self
        connection.socket_connect_timeout = connection.socket_timeout = _seconds()
        return cast("Any", super())._connect()

    def send_packed_command(self, *args: Any, **options: Any) -> Any:
        self._hurry()
        return cast("Any", super()).send_packed_command(*args, **options)

    def read_response(self, *args: Any, **options: Any) -> Any:
        self._hurry()
        return cast("Any", super()).read_response(*args, **options)

    def _hurry(self) -> None:
        open_socket = getattr(self, "_sock", None)
        seconds = _seconds()
        if open_socket is not None and open_socket.gettimeout() != seconds:
            open_socket.settimeout(seconds)


def _seconds() -> float:
    return max(at_most(TIMEOUT), 0.001)  # 0 would make the socket non-blocking


class RedisBackend:
    """State in Redis 6 or later, or a server that speaks its protocol.

    All keys share one hash tag, so that a script may use several of them in a cluster too.

    Args:
        url: As `redis.Redis.from_url` accepts it: `redis://`, `rediss://` or `unix://`.
        prefix: Prefix of all keys.

    Raises:
        ImportError: The redis library is not installed.
    """

    instant = False

    def __init__(self, url: str, prefix: str = "{ai_client}:") -> None:
        try:
            import redis  # noqa: PLC0415 - an extra, imported only where it is used
            from redis.backoff import NoBackoff  # noqa: PLC0415
            from redis.retry import Retry  # noqa: PLC0415
        except ImportError as error:
            raise ImportError(
                "A redis:// store needs the redis library: pip install 'ai-client[redis]'"
            ) from error
        self._prefix = prefix

        def connect() -> _Server:
            client = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 1),  # a connection that died while idle is replaced
            )
            pool: Any = client.connection_pool
            pool.connection_kwargs["decode_responses"] = False  # cached values are no text
            kind = pool.connection_class
            pool.connection_class = type(kind.__name__, (_InTime, kind), {})
            return _Server(client)

        # a new client in each child: after a fork, redis-py waits for locks that a parent's thread may hold
        self._client = PerProcess(connect)
        pool = self._client().redis.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # does not connect, but raises for unknown options

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""
        keys = [*(f"ledger:{hold.key}" for hold in holds), *(f"window:{take.key}" for take in takes)]
        keys.append(f"ticket:{ticket}")
        simulated = repr(now) if is_simulated(now, time.time()) else ""
        args: list[Any] = [ticket, repr(now), repr(expires), SLOTS, len(holds), simulated, BEAT, GRACE]
        for hold in holds:
            limit = "" if hold.limit is None else hold.limit
            args += [bounded(hold.amount), limit, repr(hold.until), hold.on_expired]
        for take in takes:
            args += [bounded(take.amount), take.limit, repr(take.window), repr(take.patience)]
        position, used, held, said, *short = self._run("admit", keys, args)
        if position >= 0:
            return Refusal(position, used, held)
        if short:
            return Refusal(None, wait=float(said), short=short)
        for take in takes:
            take.at = float(said)
        return None

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""
        args = [ticket, repr(now), repr(expires), *(repr(hold.until) for hold in holds)]
        held: int = self._run("renew", [f"ledger:{hold.key}" for hold in holds], args)
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
        keys = [f"ticket:{ticket}", *(f"ledger:{spend.key}" for spend in spends)]
        args: list[Any] = [ticket, repr(now), SETTLED_FOR, len(spends), len(changes)]
        for spend in spends:
            args += [bounded(spend.amount), repr(spend.until), ""]
        for change in changes:
            keys.append(f"window:{change.key}")
            args += [bounded(change.amount), repr(change.window), int(change.at / (change.window / SLOTS))]
        if tally is not None:
            keys += [f"sums:{tally.period}", "periods"]
            args += [tally.period, int(tally.until)]
            for name, amount in tally.amounts.items():
                args += [f"{name}\0{tally.key}", bounded(amount)]
        return [Ledger(*ledger) for ledger in self._run("settle", keys, args)]

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        return Ledger(*self._run("ledger", [f"ledger:{key}"], [repr(now)]))

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for period, said in self._run("sums", ["periods"], [first, last, f"{self._prefix}sums:"]):
            keys = found.setdefault(period.decode(), {})
            for field, amount in zip(said[::2], said[1::2], strict=True):
                name, _, key = field.decode().partition("\0")
                keys.setdefault(key, {})[name] = int(amount)
        return {period: dict(keys) for period, keys in found.items()}

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired by the server's clock."""
        del now
        value: bytes | None = self._call("get", f"{self._prefix}kept:{key}")
        return value

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*; the server's `maxmemory` bounds all of them together."""
        milliseconds = int((expires - now) * 1000)
        if milliseconds > 0:
            self._call("set", f"{self._prefix}kept:{key}", value, px=milliseconds)

    def close(self) -> None:
        """Close the connections that no other thread is using; later use opens new ones."""
        self._client().redis.connection_pool.disconnect(inuse_connections=False)

    def _run(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return self._client().scripts[script](keys=[self._prefix + key for key in keys], args=args)
        except Exception as error:  # a server that speaks another protocol raises more than RedisError
            raise self._failure(error) from error

    def _call(self, command: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self._client().redis, command)(*args, **options)
        except Exception as error:  # a server that speaks another protocol raises more than RedisError
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(
            f"The Redis store failed ({type(error).__name__}). Check that the server is up and reachable."
        )
