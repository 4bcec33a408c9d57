"""What is particular about state in Redis."""

import time
from typing import Any

import redis

from ai_client._io.deadline import limited
from ai_client.stores import Change, Hold, Spend, Take, Tally, open_store
from ai_client.stores.redis import _InTime
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


class OpenSocket:
    """A socket that notes how long it may wait."""

    def __init__(self) -> None:
        self.timeout = 60.0

    def gettimeout(self) -> float:
        """Return how long."""
        return self.timeout

    def settimeout(self, seconds: float) -> None:
        """Note how long."""
        self.timeout = seconds


class Plain:
    """A connection of the redis library, as far as its waits go."""

    socket_timeout = socket_connect_timeout = 60.0

    def __init__(self) -> None:
        self._sock = OpenSocket()

    def _connect(self) -> float:
        return max(self.socket_timeout, self.socket_connect_timeout)

    def send_packed_command(self) -> float:
        """Return how long sending may wait."""
        return self._sock.timeout

    def read_response(self) -> float:
        """Return how long reading may wait."""
        return self._sock.timeout


class InTime(_InTime, Plain):
    """The same, bounded by the call for which it works."""


def test_every_wait_for_the_server_is_within_the_call() -> None:
    """Connecting, sending and reading wait a second, or as long as the call has left, and never for ever."""
    waits: list[Any] = ["_connect", "send_packed_command", "read_response"]
    for name in waits:
        assert getattr(InTime(), name)() == 1.0
        with limited(time.monotonic() + 0.5):
            assert 0.0 < getattr(InTime(), name)() <= 0.5
        with limited(time.monotonic() - 1):
            assert getattr(InTime(), name)() == 0.001  # 0 would be no timeout but no wait, another error
