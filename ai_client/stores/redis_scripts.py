"""Lua scripts of a Redis store; each runs atomically on the server."""

_COMMON = """
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
ADMIT = (
    _COMMON
    + """
local ticket, now, expires = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local slots, holds, wait = tonumber(ARGV[4]), tonumber(ARGV[5]), 0
local known, last = KEYS[#KEYS], #KEYS - 1
if redis.call('EXISTS', known) == 1 then return false end
for i = 1, last do
    local key, amount, limit = KEYS[i], tonumber(ARGV[i * 3 + 3]), tonumber(ARGV[i * 3 + 4])
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
redis.call('SET', known, 'admitted', 'EX', 60)
for i = 1, last do
    local key, amount, stay = KEYS[i], ARGV[i * 3 + 3], tonumber(ARGV[i * 3 + 5])
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
)
"""Reserve amounts on ledgers and take amounts from sliding windows, all or nothing.

A ticket that is already admitted or settled changes nothing: the client repeats a command whose reply was lost.
"""
RENEW = (
    _COMMON
    + """
local ticket, now, expires, held = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for i, key in ipairs(KEYS) do
    local before = tonumber(redis.call('ZSCORE', key .. ':due', ticket) or '-inf')
    if before > now then
        held = held + 1
        if before < expires then redis.call('ZADD', key .. ':due', ARGV[3], ticket) end
        local stay = math.max(tonumber(ARGV[i + 3]), expires) - now
        keep(key, stay)
        keep(key .. ':due', stay)
    end
end
return held
"""
)
"""Extend a reservation on each ledger that still holds it, and return how many do."""
SETTLE = (
    _COMMON
    + """
local ticket, now, spends, changes = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local fresh = redis.call('GET', KEYS[1]) ~= 'settled'
if fresh then redis.call('SET', KEYS[1], 'settled', 'EX', ARGV[3]) end
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
)
"""Release what a ticket holds and count what was used, once."""
LEDGER = _COMMON + "return expire(KEYS[1], ARGV[1])"
"""Release expired reservations of a ledger and return its balance."""
SUMS = """
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
"""Return the totals of a range of periods."""
