"""`redis://`: state of many machines; every operation is one script and one round trip."""

from collections.abc import Sequence
from typing import Any, cast

from .._fork import PerProcess
from .._io.deadline import at_most
from ..errors import StoreError
from .base import (
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

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer."""
_HEAD = """
local most = string.format('%.0f', 2 ^ 62)
local function add(key, field, amount)
    local said = redis.pcall('HINCRBY', key, field, amount)
    if type(said) == 'table' and said.err then redis.call('HSET', key, field, most) end
end
local function give_back(key, amount)
    if amount ~= '0' and redis.call('HINCRBY', key, 'held', '-' .. amount) < 0 then
        redis.call('HSET', key, 'held', 0)
    end
end
local function expire(key, now)
    local late = redis.call('ZRANGEBYSCORE', key .. ':due', '-inf', now)
    for _, ticket in ipairs(late) do
        local amount = redis.call('HGET', key, 't:' .. ticket)
        if amount then
            give_back(key, amount)
            redis.call('HDEL', key, 't:' .. ticket)
        end
        redis.call('ZREM', key .. ':due', ticket)
    end
    local ledger = redis.call('HMGET', key, 'used', 'held')
    return {tonumber(ledger[1] or 0), tonumber(ledger[2] or 0)}
end
local function keep(key, seconds)
    seconds = math.max(1, math.ceil(seconds))
    if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
"""
_ADMIT = """
local ticket, now, expires = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local slots, holds, wait = tonumber(ARGV[4]), tonumber(ARGV[5]), 0
for i, key in ipairs(KEYS) do
    local amount, limit = tonumber(ARGV[i * 3 + 3]), tonumber(ARGV[i * 3 + 4])
    if i <= holds then
        local ledger = expire(key, ARGV[2])
        if limit and ledger[1] + ledger[2] + amount > limit then return {i - 1, ledger[1], ledger[2], '0'} end
    else
        local width = tonumber(ARGV[i * 3 + 5]) / slots
        local first = math.floor(now / width) - slots
        local found, total, live = redis.call('HGETALL', key), 0, {}
        for j = 1, #found, 2 do
            local slot = tonumber(found[j])
            if slot < first then
                redis.call('HDEL', key, found[j])
            else
                total = total + tonumber(found[j + 1])
                live[#live + 1] = {slot, tonumber(found[j + 1])}
            end
        end
        local over = total + amount - limit
        if over > 0 then
            table.sort(live, function(a, b) return a[1] < b[1] end)
            local after = width * slots
            for _, slot in ipairs(live) do
                over = over - slot[2]
                if over <= 0 then
                    after = math.max(0.001, (slot[1] + slots + 1) * width - now)
                    break
                end
            end
            wait = math.max(wait, after)
        end
    end
end
if wait > 0 then return {-1, 0, 0, tostring(wait)} end
for i, key in ipairs(KEYS) do
    local amount, stay = ARGV[i * 3 + 3], tonumber(ARGV[i * 3 + 5])
    if i <= holds then
        if redis.call('HSETNX', key, 't:' .. ticket, amount) == 1 then
            add(key, 'held', amount)
            redis.call('ZADD', key .. ':due', expires, ticket)
        end
        stay = math.max(stay, tonumber(expires)) - now
        keep(key, stay)
        keep(key .. ':due', stay)
    else
        add(key, string.format('%d', math.floor(now / (stay / slots))), amount)
        keep(key, stay * 2)
    end
end
return false
"""
_SETTLE = """
local ticket, now, spends, changes = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local fresh = redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[3])
local ledgers, last = {}, spends + changes
for i = 1, last do
    local key, amount, more = KEYS[i + 1], ARGV[i * 3 + 3], tonumber(ARGV[i * 3 + 4])
    if i <= spends then
        if fresh then
            local held = redis.call('HGET', key, 't:' .. ticket)
            if held then
                give_back(key, held)
                redis.call('HDEL', key, 't:' .. ticket)
                redis.call('ZREM', key .. ':due', ticket)
            end
            add(key, 'used', amount)
            keep(key, more - tonumber(now))
        end
        ledgers[i] = expire(key, now)
    elseif fresh then
        add(key, ARGV[i * 3 + 5], amount)
        keep(key, more * 2)
    end
end
if fresh and KEYS[last + 2] then
    local sums, periods, at = KEYS[last + 2], KEYS[last + 3], last * 3 + 6
    redis.call('ZADD', periods, 0, ARGV[at])
    for i = at + 2, #ARGV, 2 do add(sums, ARGV[i], ARGV[i + 1]) end
    redis.call('EXPIREAT', sums, ARGV[at + 1])
    keep(periods, tonumber(ARGV[at + 1]) - tonumber(now))
end
return ledgers
"""
_LEDGER = "return expire(KEYS[1], ARGV[1])"
_SUMS = """
local found = {}
for _, period in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[1], '[' .. ARGV[2])) do
    local sums = redis.call('HGETALL', ARGV[3] .. period)
    if #sums == 0 then
        redis.call('ZREM', KEYS[1], period)
    else
        found[#found + 1] = {period, sums}
    end
end
return found
"""


class _Client:
    """A process's connections and scripts."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.scripts = {
            "admit": redis.register_script(_HEAD + _ADMIT),
            "settle": redis.register_script(_HEAD + _SETTLE),
            "ledger": redis.register_script(_HEAD + _LEDGER),
            "sums": redis.register_script(_SUMS),
        }


class _InTime:
    """A connection of the redis library that waits no longer than the call for which it is used may."""

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
    return max(at_most(TIMEOUT), 0.001)  # 0 would not wait at all, and fail in another way


class RedisBackend:
    """State in Redis 6 or later, or what speaks its protocol.

    All keys have one hash tag, so that a script may touch several of them in a cluster too.

    Args:
        url: As `redis.Redis.from_url` takes it: `redis://`, `rediss://` or `unix://`.
        prefix: What the names of all keys begin with.
    """

    instant = False

    def __init__(self, url: str, prefix: str = "{ai_client}:") -> None:
        try:
            import redis  # noqa: PLC0415 - an extra, loaded where it is asked for
            from redis.backoff import NoBackoff  # noqa: PLC0415
            from redis.retry import Retry  # noqa: PLC0415
        except ImportError as error:
            raise ImportError(
                "A redis:// store needs the redis library: pip install 'ai-client[redis]'"
            ) from error
        self._prefix = prefix
        self._errors = (redis.RedisError, OSError)

        def connect() -> _Client:
            client = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 1),  # a connection that died while idle is replaced
            )
            pool: Any = client.connection_pool
            kind = pool.connection_class
            pool.connection_class = type(kind.__name__, (_InTime, kind), {})
            return _Client(client)

        self._client = PerProcess(
            connect
        )  # the library's own waits for locks that a parent's thread may hold
        pool = self._client().redis.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # connects to nothing, but refuses unknown options

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Set aside all of *holds* and take all of *takes*, or nothing."""
        keys = [*(f"ledger:{hold.key}" for hold in holds), *(f"window:{take.key}" for take in takes)]
        args: list[Any] = [ticket, repr(now), repr(expires), SLOTS, len(holds)]
        for hold in holds:
            args += [bounded(hold.amount), "" if hold.limit is None else hold.limit, repr(hold.until)]
        for take in takes:
            args += [bounded(take.amount), take.limit, repr(take.window)]
        said = self._run("admit", keys, args)
        if said is None:
            return None
        position, used, held, wait = said
        return Refusal(position, used, held) if position >= 0 else Refusal(None, wait=float(wait))

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Give back what *ticket* holds and count what was used, once."""
        keys = [f"settled:{ticket}", *(f"ledger:{spend.key}" for spend in spends)]
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
        """Read a ledger."""
        return Ledger(*self._run("ledger", [f"ledger:{key}"], [repr(now)]))

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Read the sums of the periods from *first* to *last*."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for period, said in self._run("sums", ["periods"], [first, last, f"{self._prefix}sums:"]):
            keys = found.setdefault(period.decode(), {})
            for field, amount in zip(said[::2], said[1::2], strict=True):
                name, _, key = field.decode().partition("\0")
                keys.setdefault(key, {})[name] = int(amount)
        return {period: dict(keys) for period, keys in found.items()}

    def get(self, key: str, now: float) -> bytes | None:
        """Read a value, unless it has expired; the server's clock decides."""
        del now
        value: bytes | None = self._call("get", f"{self._prefix}kept:{key}")
        return value

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*; the server's `maxmemory` bounds them all."""
        milliseconds = int((expires - now) * 1000)
        if milliseconds > 0:
            self._call("set", f"{self._prefix}kept:{key}", value, px=milliseconds)

    def close(self) -> None:
        """Close the connections."""
        self._client().redis.close()

    def _run(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return self._client().scripts[script](keys=[self._prefix + key for key in keys], args=args)
        except self._errors as error:
            raise self._failure(error) from error

    def _call(self, command: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self._client().redis, command)(*args, **options)
        except self._errors as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(f"The redis store failed ({type(error).__name__}): is the server up and reachable?")
