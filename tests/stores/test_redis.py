"""What is particular about state in Redis."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import redis

from ai_client import StoreError
from ai_client._io.deadline import limited
from ai_client.stores import Change, Hold, Ledger, Spend, Take, Tally, open_store, shared
from ai_client.stores.redis_nodes import InTime
from tests.support.policies import Redis, finish, sync_io
from tests.support.redis_relay import RedisRelay

NOW = 1_800_000_000.0
DAY = NOW + 86_400


@pytest.fixture
def relay(redis_server: Redis) -> Iterator[RedisRelay]:
    """Yield a relay before an empty server."""
    with redis.Redis.from_url(redis_server.url) as server:
        server.flushall()
    with RedisRelay(redis_server) as relay:
        yield relay


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
        left = {
            str(key, "utf-8").replace("{ai_client}:", "").removeprefix("ai_client:"): server.ttl(key)
            for key in server.keys("*")
        }
    backend.close()
    kinds = {"ledger:day": 86_400, "ledger:short": 900, "ticket:t1": 3600, "window:w": 3600}
    kinds |= {
        "sums:2027-01-15T08": 86_400 * 40,
        "periods": 86_400 * 40,
        "periods:ends": 86_400 * 40,
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


class BoundedPlain(InTime, Plain):
    """The same, bounded by the call for which it works."""


def test_every_wait_for_the_server_is_within_the_call() -> None:
    """Connecting, sending and reading wait a second, or as long as the call has left, and never for ever."""
    waits: list[Any] = ["_connect", "send_packed_command", "read_response"]
    for name in waits:
        assert getattr(BoundedPlain(), name)() == 1.0
        with limited(time.monotonic() + 0.5):
            assert 0.0 < getattr(BoundedPlain(), name)() <= 0.5
        with limited(time.monotonic() - 1):
            assert (
                getattr(BoundedPlain(), name)() == 0.001
            )  # 0 would be no timeout but no wait, another error


def test_what_is_admitted_twice_since_a_reply_was_lost_is_admitted_once(relay: RedisRelay) -> None:
    """A reply that is lost on its way makes no call be refused for what it has reserved or taken itself."""
    backend = open_store(relay.url).backend
    backend.admit("first", (), (), NOW, NOW + 900)  # loads the script
    hold, take = Hold("a", 10, 10, DAY), Take("w", 2, 3, 60.0)
    for ticket, holds, takes in (("t1", [hold], []), ("t2", [], [take])):
        relay.lose()
        assert backend.admit(ticket, holds, takes, NOW, NOW + 900) is None
    assert relay.lost == 2
    assert backend.ledger("a", NOW) == Ledger(0, 10)
    assert backend.admit("t3", (), [Take("w", 1, 3, 60.0)], NOW, NOW) is None
    assert backend.admit("t4", (), [Take("w", 1, 3, 60.0)], NOW, NOW) is not None
    relay.lose()
    assert backend.settle("t1", [Spend("a", 7, DAY)], NOW) == [Ledger(7, 0)]
    backend.close()


def test_what_was_refused_may_be_admitted_later(relay: RedisRelay) -> None:
    """A ticket that found no room is no ticket that was admitted, also where the refusal was lost and repeated."""
    backend = open_store(relay.url).backend
    backend.admit("first", [Hold("a", 6, 10, DAY)], (), NOW, NOW + 900)
    relay.lose()
    assert backend.admit("t", [Hold("a", 5, 10, DAY)], (), NOW, NOW + 900) is not None
    backend.settle("first", [Spend("a", 5, DAY)], NOW)
    assert backend.admit("t", [Hold("a", 5, 10, DAY)], (), NOW, NOW + 900) is None
    assert backend.ledger("a", NOW) == Ledger(5, 5)
    backend.close()


def test_what_is_admitted_after_its_settlement_holds_nothing(relay: RedisRelay) -> None:
    """A command that reaches the server after its caller has given up and settled reserves and takes nothing."""
    backend = open_store(relay.url).backend
    backend.settle("t", [Spend("a", 0, DAY)], NOW)
    backend.admit("t", [Hold("a", 5, 10, DAY)], [Take("w", 1, 1, 60.0)], NOW, NOW + 900)
    assert backend.ledger("a", NOW) == Ledger(0, 0)
    assert backend.admit("t2", (), [Take("w", 1, 1, 60.0)], NOW, NOW) is None
    backend.close()


def test_closing_leaves_what_other_threads_do_alone(relay: RedisRelay) -> None:
    """A settlement under way while its store is closed goes on over its connection, and is counted once."""
    backend = open_store(relay.url).backend
    backend.settle("first", (), NOW)
    before = relay.opened
    relay.waiting.clear()
    relay.passes.clear()
    with ThreadPoolExecutor(1) as pool:
        settling = pool.submit(backend.settle, "t", [Spend("a", 5, DAY)], NOW)
        assert relay.waiting.wait(60)
        backend.close()
        relay.passes.set()
        assert settling.result() == [Ledger(5, 0)]
    assert relay.opened == before
    backend.close()
    assert backend.ledger("a", NOW) == Ledger(5, 0)
    assert relay.opened == before + 1  # what nobody used was closed
    backend.close()


def test_an_address_cannot_make_values_text(redis_server: Redis) -> None:
    """An option of the redis library that has it return text does not change what comes back."""
    backend = open_store(f"{redis_server.url}?decode_responses=true").backend
    now = time.time()
    backend.set("bytes", b"\xff\x00", now + 60, now)
    backend.settle("text-1", (), now, (), Tally("text", "k", {"calls": 1}, now + 86_400))
    assert backend.get("bytes", now) == b"\xff\x00"
    assert backend.sums("text", "text") == {"text": {"k": {"calls": 1}}}
    backend.close()


def test_a_key_of_another_type_is_nothing(redis_server: Redis) -> None:
    """Where another program keeps a list under the name of a value, no value is there, and the server is not down."""
    import redis

    store = open_store(redis_server.url)
    now = time.time()
    store.backend.set("foreign", b"x", now + 60, now)
    with redis.Redis.from_url(redis_server.url) as connection:
        (name,) = connection.keys("*kept:foreign*")
        connection.delete(name)
        connection.rpush(name, "a")
    assert store.backend.get("foreign", now) is None
    store.backend.set("foreign", b"y", now + 60, now)
    assert store.backend.get("foreign", now) == b"y"
    store.close()


@pytest.mark.parametrize(
    "said", [b":many\r\n", b"$x\r\n", b"*x\r\n", b"HTTP/1.1 400 No\r\n\r\n", b"\xff\r\n"]
)
def test_a_server_that_speaks_another_protocol(said: bytes) -> None:
    """Whatever a server says that is no Redis, the error is a store's."""

    def talk() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.recv(65_536)
                client.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        backend = open_store(f"redis://127.0.0.1:{listener.getsockname()[1]}/0?protocol=2").backend
        try:
            with pytest.raises(StoreError, match="The Redis store failed"):
                backend.get("key", NOW)
            with pytest.raises(StoreError, match="The Redis store failed"):
                backend.settle("t", [Spend("a", 5, DAY)], NOW)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(60)
            backend.close()


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_what_was_admitted_without_a_reply_is_counted_once(
    relay: RedisRelay, monkeypatch: pytest.MonkeyPatch, on_failure: Any
) -> None:
    """A window counts a call once that is sent although no reply said so, and none that was not sent for it."""
    monkeypatch.setattr(shared, "PAUSE", 0.0)
    store, io = open_store(relay.url, on_failure=on_failure), sync_io()
    finish(store.settle(io, "first", (), NOW))
    relay.lose(2)
    admitting = store.admit(io, "t", (), [Take("w", 4, 10, 60.0)], now=NOW, expires=NOW + 900)
    with suppress(StoreError):
        finish(admitting)
    sent = 4 if on_failure == "open" else 0
    assert (
        finish(store.admit(io, "t2", (), [Take("w", 11 - sent, 10, 60.0)], now=NOW, expires=NOW)) is not None
    )
    assert finish(store.admit(io, "t3", (), [Take("w", 10 - sent, 10, 60.0)], now=NOW, expires=NOW)) is None
    store.close()
