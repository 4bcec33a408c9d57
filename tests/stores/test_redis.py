"""What is particular about state in Redis."""

import time

import redis

from ai_client.stores import Change, Hold, Spend, Take, Tally, open_store
from tests.support.policies import Redis


def test_every_key_has_an_end(redis_server: Redis) -> None:
    """Whatever was done, no key of ours stays for ever, and none is gone before what it holds has ended."""
    backend = open_store(redis_server.url).backend
    now = time.time()
    with redis.Redis.from_url(redis_server.url) as server:
        server.flushall()
        backend.admit("t1", [Hold("day", 1, 10, now + 86_400)], [Take("w", 1, 9, 3600.0)], now, now + 900)
        backend.admit("t2", [Hold("day", 1, None, now + 86_400)], (), now, now + 900)
        backend.admit("lost", [Hold("short", 1, 1, now + 1)], (), now, now + 900)
        backend.settle(
            "t1",
            [Spend("day", 1, now + 86_400), Spend("new", 1, now + 60)],
            now,
            [Change("w", 3, 3600.0, now), Change("other", -2, 60.0, now)],
            Tally("2027-01-15T08", "k", {"calls": 1}, now + 86_400 * 40),
        )
        backend.settle("t3", (), now, (), Tally("2027-01-15T09", "k", {"calls": 1}, now + 86_400))
        backend.set("answer", b"value", now + 60, now)
        left = {str(key, "utf-8").removeprefix("{ai_client}:"): server.ttl(key) for key in server.keys("*")}
    backend.close()
    kinds = {"ledger:day": 86_400, "ledger:short": 900, "settled:t1": 3600, "window:w": 3600}
    kinds |= {
        "sums:2027-01-15T08": 86_400 * 40,
        "periods": 86_400 * 40,
        "kept:answer": 60,
        "window:other": 60,
    }
    assert kinds.keys() <= left.keys()
    assert all(seconds > 0 for seconds in left.values()), left
    assert all(left[key] >= seconds - 5 for key, seconds in kinds.items()), left
