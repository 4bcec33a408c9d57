"""Time limits on connections that are not our own pool's, and on what blocks a thread."""

import time
from typing import Any

import httpx
import pytest

from ai_client._exchange.hurry import SendingGate, hurry
from ai_client._http.options import PoolOptions
from ai_client._io.deadline import at_most, is_out_of_time, limited, settling
from ai_client._pool.sync_pool import SyncPool
from tests.support.hostile.wire import HOLD, Wire


class Connection:
    """A connection that notes how long each read may wait."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    def read(self, size: int, timeout: float | None = None) -> bytes:
        """Read nothing."""
        del size
        self.timeouts.append(timeout)
        return b""


class Chunks(httpx.SyncByteStream):
    """A body of two chunks that reads from a connection for each."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.was_free: bool | None = None

    def __iter__(self) -> Any:
        for _ in range(2):
            self.connection.read(1, timeout=60)
            yield b"x"

    def close(self) -> None:
        """Note whether the connection is free of limits when it goes back."""
        self.was_free = "read" not in vars(self.connection)


def answered(connection: Connection) -> tuple[httpx.Response, Chunks]:
    """Give an answer over a connection."""
    body = Chunks(connection)
    return httpx.Response(200, stream=body, extensions={"network_stream": connection}), body


def test_the_nearest_of_two_limits_holds() -> None:
    """Limits can be laid over each other; each read minds the nearest, and its own."""
    connection = Connection()
    response, body = answered(connection)
    now = time.monotonic()
    assert hurry(response, now + 1000, httpx.ReadTimeout)
    assert hurry(response, now + 30, httpx.ReadTimeout)
    connection.read(1, timeout=1)
    connection.read(1)
    connection.read(1, timeout=60)
    assert connection.timeouts[0] == 1
    assert all(limit is not None and 20 < limit <= 30 for limit in connection.timeouts[1:])
    response.close()
    assert body.was_free
    connection.read(1, timeout=60)
    assert connection.timeouts[-1] == 60


def test_a_limit_goes_with_its_own_answer() -> None:
    """Of two limits on one connection each goes when its own answer is closed, in either order."""
    for first in (0, 1):
        connection = Connection()
        now = time.monotonic()
        responses = [answered(connection)[0] for _ in range(2)]
        for response, seconds in zip(responses, (1000, 30), strict=True):
            assert hurry(response, now + seconds, httpx.ReadTimeout)
        responses[first].close()
        connection.read(1)
        limit = connection.timeouts[-1]
        assert limit is not None
        assert 20 < limit <= (30 if first == 0 else 1000)
        assert (limit > 30) is (first == 1)
        responses[1 - first].close()
        assert "read" not in vars(connection)


def test_a_body_that_is_late_fails() -> None:
    """The chunk that comes after the end is an error, and the connection goes back without limits."""
    connection = Connection()
    response, body = answered(connection)
    hurry(response, time.monotonic() - 1, httpx.ReadTimeout)
    with pytest.raises(httpx.ReadTimeout):
        response.read()
    response.close()
    assert body.was_free


def test_a_connection_that_takes_no_limit() -> None:
    """Where a connection cannot be told, its reads are as long as they are, which is said."""
    response = httpx.Response(200, stream=httpx.ByteStream(b"x"))
    assert not hurry(response, time.monotonic() + 60, httpx.ReadTimeout)
    assert response.read() == b"x"


def test_the_gate_opens_before_the_deadline_only() -> None:
    """A request begins before its deadline or not at all, and then was not sent."""
    SendingGate(time.monotonic() + 60, httpx.ReadTimeout)("http11.send_request_headers.started", {})
    late = SendingGate(time.monotonic() - 1, httpx.ReadTimeout)
    late("connection.connect_tcp.started", {})
    with pytest.raises(httpx.ReadTimeout) as caught:
        late("http11.send_request_headers.started", {})
    assert caught.value.may_have_been_sent is False  # type: ignore[attr-defined]


def test_what_blocks_a_thread_minds_its_call() -> None:
    """Inside a limit waits are cut to what is left, with a little more for what must be counted."""
    assert at_most(15) == 15
    assert not is_out_of_time()
    with settling():
        assert at_most(15) == 15
    with limited(time.monotonic() + 5):
        assert 1 < at_most(15) <= 5
        assert at_most(1) == 1
        assert not is_out_of_time()
        with settling():
            assert 1 < at_most(15) <= 5
    with limited(time.monotonic() - 1):
        assert at_most(15) == 0
        assert is_out_of_time()
        with settling():
            assert 0 < at_most(15) < 1
            assert not is_out_of_time()
        assert at_most(15) == 0
    assert at_most(15) == 15


@pytest.mark.parametrize("said", [b"220 mail\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000])
def test_a_proxy_that_opens_no_tunnel(said: bytes) -> None:
    """A proxy that speaks no HTTP, or says nothing but hints, is given up at once."""
    limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 60)}
    with Wire([said, HOLD]) as wire, SyncPool(PoolOptions(proxy=wire.url)) as pool:
        began = time.monotonic()
        with pytest.raises(httpx.ProxyError):
            pool.handle_request(httpx.Request("GET", "https://x.example/", extensions=limits))
        assert time.monotonic() - began < 30
