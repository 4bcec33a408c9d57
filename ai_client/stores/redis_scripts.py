"""Lua scripts of a Redis store; each runs atomically on the server.

Every key that a script touches is among its `KEYS`: while a cluster moves a slot, a key that is not would seem empty.
"""

from hashlib import sha1


class Script:
    """A script, and the digest by which a server knows it once it was loaded."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()


# A ticket has one field: `t:` while it is held, `c:` where it then counts as used once it expires, `x:` after that.
COMMON = """
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
local function expire(key, due, now)
    local late = redis.call('ZRANGEBYSCORE', due, '-inf', now)
    for _, ticket in ipairs(late) do
        local amount, counted = redis.call('HGET', key, 't:' .. ticket), redis.call('HGET', key, 'c:' .. ticket)
        if amount or counted then
            give_back(key, amount or counted)
            redis.call('HDEL', key, 't:' .. ticket, 'c:' .. ticket)
        end
        if counted then
            add(key, 'used', counted)
            redis.call('HSET', key, 'x:' .. ticket, counted)
        end
        redis.call('ZREM', due, ticket)
    end
    local ledger = redis.call('HMGET', key, 'used', 'held', 'granted', 'resets')
    for i = 1, 4 do ledger[i] = tonumber(ledger[i] or 0) end
    return ledger
end
local function keep(key, seconds)
    seconds = math.max(1, math.ceil(seconds))
    if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
local function list(ledgers, key, now, seconds)
    if redis.call('ZADD', ledgers, now + seconds, key) == 1 then
        redis.call('ZREMRANGEBYSCORE', ledgers, '-inf', now)
    end
    keep(ledgers, seconds)
end
"""
PERIODS = """
local function list_period(periods, ends, period, until_, now)
    if redis.call('ZADD', periods, 0, period) == 1 then
        for _, ended in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)) do
            redis.call('ZREM', periods, ended)
            redis.call('ZREM', ends, ended)
        end
        redis.call('ZADD', ends, until_, period)
    end
    keep(periods, until_ - now)
    keep(ends, until_ - now)
end
"""
"""List a period, and list those no more that have ended."""
_WINDOW = """
local function slots_of(key, number, slots)
    local found, live, total, late = redis.call('HGETALL', key), {}, 0, 0
    for i = 1, #found, 2 do
        local slot, amount = tonumber(found[i]), tonumber(found[i + 1])
        if slot < number - slots then
            redis.call('HDEL', key, found[i])
        elseif slot > number then
            redis.call('HDEL', key, found[i])
            add(key, string.format('%d', number), found[i + 1])
            late, total = late + amount, total + amount
        else
            live[#live + 1] = {slot, amount}
            total = total + amount
        end
    end
    table.sort(live, function(a, b) return a[1] < b[1] end)
    if late ~= 0 then live[#live + 1] = {number, late} end
    return live, total
end
local function ahead_of(line, ticket, at)
    local found, mine, ahead = redis.call('HGETALL', line), math.huge, 0
    for i = 1, #found, 2 do
        if found[i] == ticket then mine = tonumber(string.match(found[i + 1], '^%d+')) end
    end
    for i = 1, #found, 2 do
        local number, amount, kept = string.match(found[i + 1], '^(%d+) (%S+) (%S+)$')
        if number and tonumber(number) < mine and tonumber(kept) > at then ahead = ahead + tonumber(amount) end
        if number and tonumber(kept) + 60 <= at then redis.call('HDEL', line, found[i]) end
    end
    return ahead
end
local function keep_place(line, ticket, amount, kept)
    local place = redis.call('HGET', line, ticket)
    local number = place and string.match(place, '^%d+') or redis.call('HINCRBY', line, '', 1)
    redis.call('HSET', line, ticket, number .. ' ' .. amount .. ' ' .. string.format('%.6f', kept))
    keep(line, 60)
end
local function until_room(live, over, limit, width, slots, at)
    local rounds = math.floor((over - 1) / limit)
    local left, round = over - rounds * limit, (slots + 1) * width
    for _, slot in ipairs(live) do
        left = left - slot[2]
        if left <= 0 then return math.max(0.001, (slot[1] + slots + 1) * width - at) + rounds * round end
    end
    return (rounds + 1) * round
end
"""
ADMIT = Script(
    COMMON
    + _WINDOW
    + """
local ticket, now, expires, slots = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local holds, takes, at = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local known, ledgers, wait, short = KEYS[#KEYS], KEYS[#KEYS - 1], 0, {}
local admitted = redis.call('GET', known)
if admitted then return {-1, 0, 0, admitted == 'settled' and ARGV[2] or admitted} end
local as_of = tonumber(ARGV[11])
at = as_of or at
if not at then
    local time = redis.call('TIME')
    at = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
for i = 1, holds do
    local ledger = expire(KEYS[i * 2 - 1], KEYS[i * 2], ARGV[2])
    local amount, limit = tonumber(ARGV[i * 4 + 8]), tonumber(ARGV[i * 4 + 9])
    if limit and ledger[1] + ledger[2] + amount > limit + ledger[3] then
        return {i - 1, ledger[1], ledger[2], '0', ledger[3]}
    end
end
for i = holds + 1, as_of and 0 or holds + takes do
    local amount, limit = tonumber(ARGV[i * 4 + 8]), tonumber(ARGV[i * 4 + 9])
    local width = tonumber(ARGV[i * 4 + 10]) / slots
    local live, total = slots_of(KEYS[i * 2 - 1], math.floor(at / width), slots)
    local over = total + ahead_of(KEYS[i * 2], ticket, at) + amount - limit
    if over > 0 then
        wait = math.max(wait, until_room(live, over, limit, width, slots, at))
        short[i] = true
    end
end
if wait > 0 then
    local refusal = {-1, 0, 0, tostring(wait)}
    for i = holds + 1, holds + takes do
        if short[i] and wait <= tonumber(ARGV[i * 4 + 11]) then
            keep_place(KEYS[i * 2], ticket, ARGV[i * 4 + 8], at + math.min(wait, ARGV[8]) + ARGV[9])
        else
            redis.call('HDEL', KEYS[i * 2], ticket)
        end
        if short[i] then refusal[#refusal + 1] = i - holds - 1 end
    end
    return refusal
end
local stamp = string.format('%.6f', at)
redis.call('SET', known, stamp, 'EX', ARGV[10])
for i = 1, holds do
    local key, due, amount = KEYS[i * 2 - 1], KEYS[i * 2], ARGV[i * 4 + 8]
    local stay = math.max(tonumber(ARGV[i * 4 + 10]), tonumber(expires)) - now
    local kind = ARGV[i * 4 + 11] == 'count' and 'c:' or 't:'
    if redis.call('HSETNX', key, kind .. ticket, amount) == 1 then
        add(key, 'held', amount)
        redis.call('ZADD', due, expires, ticket)
    end
    keep(key, stay)
    keep(due, stay)
    list(ledgers, key, now, stay)
end
for i = holds + 1, holds + takes do
    local key, window = KEYS[i * 2 - 1], tonumber(ARGV[i * 4 + 10])
    add(key, string.format('%d', math.floor(at / (window / slots))), ARGV[i * 4 + 8])
    keep(key, window * 2)
    redis.call('HDEL', KEYS[i * 2], ticket)
end
return {-1, 0, 0, stamp}
"""
)
"""Reserve amounts on ledgers and take amounts from sliding windows, all or nothing; return the time of that.

Takes are stamped with the server's time unless one is given, as tests do. Where windows have no room, the wait and the
indices of their takes are returned, and the ticket keeps a place among those who wait there if its caller has the
patience: its number, its amount, and until when it is kept. A ticket that is already admitted
or settled changes nothing: the client repeats a command whose reply was lost.
"""
RENEW = Script(
    COMMON
    + """
local ticket, now, expires, held = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for i = 1, #KEYS / 2 do
    local key, due = KEYS[i * 2 - 1], KEYS[i * 2]
    local before = tonumber(redis.call('ZSCORE', due, ticket) or '-inf')
    if before > now then
        held = held + 1
        if before < expires then redis.call('ZADD', due, ARGV[3], ticket) end
        local stay = math.max(tonumber(ARGV[i + 3]), expires) - now
        keep(key, stay)
        keep(due, stay)
    end
end
return held
"""
)
"""Extend a reservation on each ledger that still holds it, and return how many do."""
SETTLE = Script(
    COMMON
    + PERIODS
    + """
local ticket, now, spends, changes = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local fresh = redis.call('GET', KEYS[1]) ~= 'settled'
if fresh then redis.call('SET', KEYS[1], 'settled', 'EX', ARGV[3]) end
local ledgers = {}
for i = 1, spends do
    local key, due, amount, stay = KEYS[i * 2 + 1], KEYS[i * 2 + 2], ARGV[i * 2 + 4], tonumber(ARGV[i * 2 + 5])
    if fresh then
        local held = redis.call('HGET', key, 't:' .. ticket) or redis.call('HGET', key, 'c:' .. ticket)
        if held then
            give_back(key, held)
            redis.call('HDEL', key, 't:' .. ticket, 'c:' .. ticket)
            redis.call('ZREM', due, ticket)
        end
        local counted = redis.call('HGET', key, 'x:' .. ticket)
        if counted then
            if counted ~= '0' then redis.call('HINCRBY', key, 'used', '-' .. counted) end
            redis.call('HDEL', key, 'x:' .. ticket)
        end
        add(key, 'used', amount)
        keep(key, stay - tonumber(now))
        list(KEYS[2], key, tonumber(now), stay - tonumber(now))
    end
    ledgers[i] = expire(key, due, now)
end
local key, at = spends * 2 + 3, spends * 2 + 6
if fresh then
    for i = 1, changes do
        local window, line, amount = KEYS[key], KEYS[key + 1], ARGV[at]
        redis.call('HDEL', line, ticket)
        if amount ~= '0' then
            add(window, ARGV[at + 2], amount)
            keep(window, tonumber(ARGV[at + 1]) * 2)
        end
        key, at = key + 2, at + 3
    end
end
if fresh and KEYS[key] then
    local sums = KEYS[key]
    for i = at + 2, #ARGV, 2 do add(sums, ARGV[i], ARGV[i + 1]) end
    redis.call('EXPIREAT', sums, ARGV[at + 1])
    list_period(KEYS[key + 1], KEYS[key + 2], ARGV[at], tonumber(ARGV[at + 1]), tonumber(now))
end
return ledgers
"""
)
"""Release what a ticket holds and count what was used, once."""
LEDGERS = Script(
    COMMON
    + """
local found = {}
for i = 1, #KEYS / 2 do found[i] = expire(KEYS[i * 2 - 1], KEYS[i * 2], ARGV[1]) end
return found
"""
)
"""Release expired reservations of ledgers and return their balances."""
SCAN = Script("return redis.call('ZSCAN', KEYS[1], ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])")
"""Return where to go on and some of the ledgers that match a pattern, which the server's own command may repeat."""
ADJUST = Script(
    COMMON
    + """
local ledgers, key, due, now, stay = KEYS[2], KEYS[3], KEYS[4], tonumber(ARGV[1]), tonumber(ARGV[3])
expire(key, due, ARGV[1])
if redis.call('SET', KEYS[1], 'settled', 'NX', 'EX', ARGV[2]) then
    if ARGV[4] == '1' then
        redis.call('HSET', key, 'used', 0)
        for _, field in ipairs(redis.call('HKEYS', key)) do
            if string.sub(field, 1, 2) == 'x:' then redis.call('HDEL', key, field) end
        end
        redis.call('HINCRBY', key, 'resets', 1)
    end
    if ARGV[5] ~= '0' then add(key, 'granted', ARGV[5]) end
    keep(key, stay)
    list(ledgers, key, now, stay)
end
return expire(key, due, ARGV[1])
"""
)
"""Take away what is used of a ledger, or raise its limit, once; return its balance."""
