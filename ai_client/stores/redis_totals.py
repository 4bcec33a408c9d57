"""Totals in Redis: many added by few scripts, and listed or added up on the server."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from .base import SETTLED_FOR, Sums, Tally, bounded
from .redis_scripts import COMMON, PERIODS, Script
from .totals import Totals, by_period, is_listed

_FIELDS_AT_ONCE = 2000
"""Amounts that one script adds, so that none keeps the server for long."""
_PERIODS_AT_ONCE = 24
"""Periods whose totals are read in one command, so that none keeps the server for long."""
_LOW = 10**9
RECORD = Script(
    COMMON
    + PERIODS
    + """
if not redis.call('SET', KEYS[1], 'settled', 'NX', 'EX', ARGV[1]) then return 0 end
local at = 3
for i = 4, #KEYS do
    local period, until_, fields = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    for j = at + 3, at + 2 + fields * 2, 2 do add(KEYS[i], ARGV[j], ARGV[j + 1]) end
    redis.call('EXPIREAT', KEYS[i], until_)
    if period ~= '' then list_period(KEYS[2], KEYS[3], period, tonumber(until_), tonumber(ARGV[2])) end
    at = at + 3 + fields * 2
end
return 1
"""
)
"""Add to the totals of periods, once; list those that have a name."""
TOTALS = Script("""
local low, high, apart, is_apart = {}, {}, {}, {}
for _, key in ipairs(ARGV) do is_apart[key] = true end
for i, key in ipairs(KEYS) do
    local found, chosen = redis.call('HGETALL', key), {}
    for j = 1, #found, 2 do
        local field, amount = found[j], found[j + 1]
        if #amount < 15 then
            low[field] = (low[field] or 0) + tonumber(amount)
        else
            local sign = string.sub(amount, 1, 1) == '-' and '-' or ''
            low[field] = (low[field] or 0) + tonumber(sign .. string.sub(amount, -9))
            high[field] = (high[field] or 0) + tonumber(string.sub(amount, 1, -10))
        end
        if is_apart[string.sub(field, string.find(field, '\\0', 1, true) + 1)] then
            chosen[#chosen + 1] = field
            chosen[#chosen + 1] = amount
        end
    end
    apart[i] = chosen
end
local sums = {}
for field, amount in pairs(low) do
    sums[#sums + 1] = field
    sums[#sums + 1] = string.format('%.0f', amount)
    sums[#sums + 1] = string.format('%.0f', high[field] or 0)
end
return {sums, apart}
""")
"""Return the totals of periods together, in two parts, as numbers here are exact below 2^53 alone; and of some keys."""


SUMS = Script("""
local found = {}
for i, period in ipairs(ARGV) do
    found[i] = redis.call('HGETALL', KEYS[i + 1])
    if #found[i] == 0 then redis.call('ZREM', KEYS[1], period) end
end
return found
""")
"""Return the totals of periods; forget a period that has none left."""


class RedisTotals:
    """Totals in Redis, a part of `RedisBackend`."""

    _together: str

    def _run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        raise NotImplementedError

    def _call(self, command: str, key: str, *args: Any) -> Any:
        raise NotImplementedError

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        names = self._call("ZRANGEBYLEX", f"{self._together}periods", f"[{first}", f"[{last}")
        every = [name.decode() for name in names]
        found: dict[str, dict[str, dict[str, int]]] = {}
        for begin in range(0, len(every), _PERIODS_AT_ONCE):
            periods = every[begin : begin + _PERIODS_AT_ONCE]
            keys = ["periods", *(f"sums:{period}" for period in periods)]
            for period, said in zip(periods, self._run(SUMS, keys, periods), strict=True):
                for field, amount in zip(said[::2], said[1::2], strict=True):
                    name, _, key = field.decode().partition("\0")
                    found.setdefault(period, {}).setdefault(key, {})[name] = int(amount)
        return {period: dict(keys) for period, keys in found.items()}

    def record(self, ticket: str, tallies: Sequence[Tally], now: float) -> None:
        """Add to the totals of several periods, once, some at a time."""
        for number, some in enumerate(_batches(tallies)):
            keys = [f"ticket:{ticket}:{number}" if number else f"ticket:{ticket}", "periods", "periods:ends"]
            args: list[Any] = [SETTLED_FOR, repr(now)]
            for period, until, fields in some:
                keys.append(f"sums:{period}")
                args += [period if is_listed(period) else "", int(until), len(fields) // 2, *fields]
            self._run(RECORD, keys, args)

    def totals(self, periods: Sequence[str], apart: Collection[str]) -> Totals:
        """Return the totals of periods together, and those of some keys for each period."""
        sums: dict[str, dict[str, int]] = {}
        chosen: dict[str, dict[str, dict[str, int]]] = {}
        for first in range(0, len(periods), _PERIODS_AT_ONCE):
            some = periods[first : first + _PERIODS_AT_ONCE]
            together, each = self._run(TOTALS, [f"sums:{period}" for period in some], list(apart))
            for field, low, high in zip(together[::3], together[1::3], together[2::3], strict=True):
                name, _, key = field.decode().partition("\0")
                into = sums.setdefault(key, {})
                into[name] = into.get(name, 0) + int(low) + int(high) * _LOW
            for period, said in zip(some, each, strict=True):
                for field, amount in zip(said[::2], said[1::2], strict=True):
                    name, _, key = field.decode().partition("\0")
                    chosen.setdefault(period, {}).setdefault(key, {})[name] = int(amount)
        return Totals(sums, chosen)


def _batches(tallies: Sequence[Tally]) -> Iterator[list[tuple[str, float, list[Any]]]]:
    """Yield what is added at once: periods with their ends, and the fields of each with their amounts."""
    batch: list[tuple[str, float, list[Any]]] = []
    room = _FIELDS_AT_ONCE
    for name, period in by_period(tallies).items():
        fields = [
            one
            for key, amounts in period.keys.items()
            for sums, amount in amounts.items()
            for one in (f"{sums}\0{key}", bounded(amount))
        ]
        while fields:
            some, fields = fields[: 2 * room], fields[2 * room :]
            batch.append((name, period.until, some))
            room -= len(some) // 2
            if not room:
                yield batch
                batch, room = [], _FIELDS_AT_ONCE
    if batch:
        yield batch
