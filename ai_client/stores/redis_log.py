"""Logs of a Redis store: an index of ids and marks, and summaries and contents by id.

All keys of a log share the hash tag of the store, and thus one slot of a cluster.
"""

import time
from collections.abc import Sequence
from typing import Any

from .log import ALIKE, MARKS, LogEntry, LogQuery, LogState
from .redis_scripts import Script

_ADDED_AT_ONCE = 500
_LOOKED_AT_AT_ONCE = 1000
"""Entries that a script looks at, so that none keeps the server for long."""
_MARK = "\1"
"""Stands between the parts of an index entry: the id, the time, and each mark with a letter of its own in front."""
_AFTER = "\2"
"""Stands behind an id where a bound is to come after all that begins with it."""
_LETTERS = {name: chr(ord("a") + number) for number, name in enumerate(MARKS)}
APPEND = Script(
    """
local index, summaries, contents, left = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
for i = 4, #ARGV, 5 do
    if redis.call('ZADD', index, 0, ARGV[i + 1]) == 1 then
        if ARGV[i + 4] == '0' then redis.call('HSET', summaries, ARGV[i], ARGV[i + 2]) end
        if ARGV[i + 3] ~= '' then redis.call('HSET', contents, ARGV[i], ARGV[i + 3]) end
        if ARGV[i + 4] ~= '0' then redis.call('HSET', left, ARGV[i], ARGV[i + 4]) end
    end
end
local function drop(members)
    for _, member in ipairs(members) do
        local id = string.match(member, '^[^\\1]*')
        redis.call('ZREM', index, member)
        for i = 2, 4 do redis.call('HDEL', KEYS[i], id) end
    end
end
drop(redis.call('ZRANGEBYLEX', index, '-', '(' .. ARGV[2]))
local over = redis.call('ZCARD', index) - tonumber(ARGV[1])
if over > 0 then drop(redis.call('ZRANGE', index, 0, over - 1)) end
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
"""
)
READ = Script(
    """
local limit, since, before = tonumber(ARGV[3]), ARGV[5], ARGV[6]
local members = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[4])
local found, find, bounded = {''}, string.find, since ~= '' or before ~= ''
for _, member in ipairs(members) do
    local fits = true
    for i = 7, #ARGV, 2 do
        fits = find(member, ARGV[i], 1, true) or ARGV[i + 1] ~= ARGV[i] and find(member, ARGV[i + 1], 1, true)
        if not fits then break end
    end
    if fits and bounded then
        local at = string.match(member, '^[^\\1]*\\1([^\\1]*)')
        fits = at >= since and (before == '' or at < before)
    end
    if fits then
        local summary = redis.call('HGET', KEYS[2], string.match(member, '^[^\\1]*'))
        if summary then found[#found + 1] = summary end
        if #found > limit then return found end
    end
end
if #members == tonumber(ARGV[4]) then found[1] = '(' .. members[#members] end
return found
"""
)
STATE = Script(
    """
local first = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, 1)[1]
local at = first and string.match(first, '^[^\\1]*\\1([^\\1]*)') or ''
return {redis.call('ZLEXCOUNT', KEYS[1], ARGV[1], '+'), at, redis.call('HGETALL', KEYS[2])}
"""
)


class RedisLogs:
    """Logs in Redis, a part of `RedisBackend`."""

    def _run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        raise NotImplementedError

    def append_log(
        self, name: str, entries: Sequence[LogEntry], keep: int, oldest: str, until: float
    ) -> None:
        """Add entries to a log, and drop the oldest."""
        seconds = max(1, int(until - time.time()))
        for first in range(0, len(entries) or 1, _ADDED_AT_ONCE):
            args: list[Any] = [keep, oldest, seconds]
            for one in entries[first : first + _ADDED_AT_ONCE]:
                args += [one.id, _indexed(one), one.summary, one.content or b"", one.left_out]
            self._run(APPEND, _keys(name), args)

    def read_log(self, name: str, query: LogQuery) -> list[bytes]:
        """Return the summaries of entries, the largest id first, looking at some at a time."""
        upper = "+" if query.before is None else f"({query.before}"
        lower = f"({query.after}{_AFTER}" if query.after else "-"
        if query.id is not None:
            upper, lower = f"({query.id}{_AFTER}", f"[{query.id}{_MARK}"
        since = "" if query.since is None else _time(query.since)
        until = "" if query.until is None else _time(query.until)
        looked_for: list[str] = []
        for mark, value in query.marks.items():
            names = ALIKE.get(mark, (mark,))
            looked_for += [_marked(names[0], value), _marked(names[-1], value)]
        index, summaries, *_ = _keys(name)
        found: list[bytes] = []
        cursor: Any = upper
        while cursor and len(found) < query.limit:
            args = [cursor, lower, query.limit - len(found), _LOOKED_AT_AT_ONCE, since, until, *looked_for]
            cursor, *more = self._run(READ, [index, summaries], args)
            found += more
        return found

    def log_content(self, name: str, id: str) -> bytes | None:  # noqa: A002 - the name of the attribute
        """Return the content of an entry."""
        content: bytes | None = self._run(_CONTENT, [_keys(name)[2]], [id])
        return content

    def log_state(self, name: str, after: str) -> LogState:
        """Return how much a log holds."""
        index, _, _, left = _keys(name)
        kept, at, pairs = self._run(STATE, [index, left], [f"({after}{_AFTER}" if after else "-"])
        left_out = [int(n) for one, n in zip(pairs[::2], pairs[1::2], strict=True) if one.decode() > after]
        return LogState(int(kept) - len(left_out), float(at) if at else None, sum(left_out))


_CONTENT = Script("return redis.call('HGET', KEYS[1], ARGV[1])")


def _keys(name: str) -> tuple[str, str, str, str]:
    """Return the names of a log's index, summaries, contents, and numbers of entries that were left out."""
    return f"log:{name}", f"log:{name}:summaries", f"log:{name}:contents", f"log:{name}:left"


def _indexed(entry: LogEntry) -> str:
    marks = "".join(_marked(name, entry.marks[name])[1:] for name in MARKS)
    return f"{entry.id}{_MARK}{_time(entry.at)}{_MARK}{marks}"


def _marked(name: str, value: str) -> str:
    return f"{_MARK}{_LETTERS[name]}{value.replace(_MARK, _AFTER)}{_MARK}"


def _time(at: float) -> str:
    """Return a time as text that is ordered like times."""
    return f"{at:018.6f}"
