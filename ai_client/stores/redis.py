"""`redis://`: state of many machines; every operation is one script and one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import StoreError
from .base import SLOTS, Hold, Ledger, Refusal, Spend, Sums, Take

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer."""
_SETTLED_FOR = 86_400
_HEAD = """
local function expire(key, now)
    local late = redis.call('ZRANGEBYSCORE', key .. ':due', '-inf', now)
    for _, ticket in ipairs(late) do
        local amount = redis.call('HGET', key, 't:' .. ticket)
        if amount then
            if amount ~= '0' then redis.call('HINCRBY', key, 'held', '-' .. amount) end
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
_RESERVE = """
local ticket, now, expires = ARGV[1], ARGV[2], ARGV[3]
for i, key in ipairs(KEYS) do
    local ledger = expire(key, now)
    local amount, limit = tonumber(ARGV[i * 3 + 1]), ARGV[i * 3 + 2]
    if limit ~= '' and ledger[1] + ledger[2] + amount > tonumber(limit) then
        return {i - 1, ledger[1], ledger[2]}
    end
end
for i, key in ipairs(KEYS) do
    if redis.call('HSETNX', key, 't:' .. ticket, ARGV[i * 3 + 1]) == 1 then
        redis.call('HINCRBY', key, 'held', ARGV[i * 3 + 1])
        redis.call('ZADD', key .. ':due', expires, ticket)
    end
    local stay = math.max(tonumber(ARGV[i * 3 + 3]), tonumber(expires)) - tonumber(now)
    keep(key, stay)
    keep(key .. ':due', stay)
end
return false
"""
_SETTLE = """
local ticket, now, mark = ARGV[1], ARGV[2], table.remove(KEYS)
local fresh = redis.call('SET', mark, '1', 'NX', 'EX', ARGV[3])
local ledgers = {}
for i, key in ipairs(KEYS) do
    if fresh then
        local amount = redis.call('HGET', key, 't:' .. ticket)
        if amount then
            if amount ~= '0' then redis.call('HINCRBY', key, 'held', '-' .. amount) end
            redis.call('HDEL', key, 't:' .. ticket)
            redis.call('ZREM', key .. ':due', ticket)
        end
        redis.call('HINCRBY', key, 'used', ARGV[i * 2 + 2])
        keep(key, tonumber(ARGV[i * 2 + 3]) - tonumber(now))
    end
    ledgers[i] = expire(key, now)
end
return ledgers
"""
_LEDGER = "return expire(KEYS[1], ARGV[1])"
_TAKE = """
local now, slots, force = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local wait = 0
if not force then
    for i, key in ipairs(KEYS) do
        local width = tonumber(ARGV[i * 3 + 3]) / slots
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
        local over = total + tonumber(ARGV[i * 3 + 1]) - tonumber(ARGV[i * 3 + 2])
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
if wait == 0 then
    for i, key in ipairs(KEYS) do
        local window = tonumber(ARGV[i * 3 + 3])
        redis.call('HINCRBY', key, string.format('%d', math.floor(now / (window / slots))), ARGV[i * 3 + 1])
        keep(key, window * 2)
    end
end
return tostring(wait)
"""
_ADD = """
if not redis.call('SET', KEYS[3], '1', 'NX', 'EX', ARGV[3]) then return end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZADD', KEYS[2], 0, ARGV[1]) end
for i = 4, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIREAT', KEYS[1], ARGV[2])
"""
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
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),  # a connection that died while idle is replaced
        )
        script = self._redis.register_script
        self._reserve = script(_HEAD + _RESERVE)
        self._settle = script(_HEAD + _SETTLE)
        self._ledger = script(_HEAD + _LEDGER)
        self._take = script(_HEAD + _TAKE)
        self._add = script(_ADD)
        self._sums = script(_SUMS)

    def reserve(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> Refusal | None:
        """Set aside all of *holds* or none."""
        args: list[Any] = [ticket, repr(now), repr(expires)]
        for hold in holds:
            args += [hold.amount, "" if hold.limit is None else hold.limit, repr(hold.until)]
        said = self._run(self._reserve, [f"ledger:{hold.key}" for hold in holds], args)
        return None if said is None else Refusal(*said)

    def settle(self, ticket: str, spends: Sequence[Spend], now: float) -> list[Ledger]:
        """Give back what *ticket* holds and count what was used, once."""
        keys = [*(f"ledger:{spend.key}" for spend in spends), f"settled:{ticket}"]
        args: list[Any] = [ticket, repr(now), _SETTLED_FOR]
        for spend in spends:
            args += [spend.amount, repr(spend.until)]
        return [Ledger(*ledger) for ledger in self._run(self._settle, keys, args)]

    def ledger(self, key: str, now: float) -> Ledger:
        """Read a ledger."""
        return Ledger(*self._run(self._ledger, [f"ledger:{key}"], [repr(now)]))

    def take(self, takes: Sequence[Take], now: float) -> float:
        """Take all of *takes* and give 0, or none and give the seconds until there may be room."""
        return float(self._windows(takes, now, force=0))

    def adjust(self, takes: Sequence[Take], now: float) -> None:
        """Add amounts to windows whatever their limits."""
        self._windows(takes, now, force=1)

    def _windows(self, takes: Sequence[Take], now: float, *, force: int) -> Any:
        args: list[Any] = [repr(now), SLOTS, force]
        for take in takes:
            args += [take.amount, take.limit, repr(take.window)]
        return self._run(self._take, [f"window:{take.key}" for take in takes], args)

    def add(self, ticket: str, period: str, sums: Mapping[str, Sums], until: float) -> None:
        """Add to the sums of a period, once."""
        args: list[Any] = [period, int(until), _SETTLED_FOR]
        for key, amounts in sums.items():
            for name, amount in amounts.items():
                args += [f"{name}\0{key}", amount]
        self._run(self._add, [f"sums:{period}", "periods", f"settled:{ticket}"], args)

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Read the sums of the periods from *first* to *last*."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for period, said in self._run(self._sums, ["periods"], [first, last, f"{self._prefix}sums:"]):
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
        self._redis.close()

    def _run(self, script: Any, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return script(keys=[self._prefix + key for key in keys], args=args)
        except self._errors as error:
            raise self._failure(error) from error

    def _call(self, command: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self._redis, command)(*args, **options)
        except self._errors as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(f"The redis store failed ({type(error).__name__}): is the server up and reachable?")
