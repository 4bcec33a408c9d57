"""The wire itself: what it writes is what arrives, cut as the script says."""

import socket

import pytest

from tests.support.hostile.framing import (
    FRAMINGS,
    SEGMENTATIONS,
    Framing,
    byte_by_byte,
    cut_at,
    framed,
    script,
)
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Wire

PARTS = [b"one", b"two-and-more", b"3"]


def ask(port: int, request: bytes = b"GET / HTTP/1.1\r\n\r\n") -> list[bytes]:
    """Give what arrives, read by read, until the connection ends."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        reads: list[bytes] = []
        while data := connection.recv(65536):
            reads.append(data)
        return reads


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_every_segmentation_writes_the_same_bytes(wire: Wire, name: str, framing: Framing) -> None:
    """However an answer is cut, its bytes are the same."""
    wire.play([*script(PARTS, framing, SEGMENTATIONS[name]), CLOSE])
    assert b"".join(ask(wire.port)) == b"".join(framed(PARTS, framing))


def test_pieces_arrive_on_their_own(wire: Wire) -> None:
    """Two writes are two reads for who reads at once."""
    wire.play([*script(PARTS, "length", byte_by_byte), CLOSE])
    assert len(ask(wire.port)) > 20
    wire.play([*script(PARTS, "length", cut_at(10)), CLOSE])
    assert next(len(read) for read in ask(wire.port)) == 10


def test_a_reset_is_an_error_to_the_reader(wire: Wire) -> None:
    """RESET arrives as a reset and not as an end."""
    wire.play([b"HTTP/1.1 200 OK\r\n", 0.05, RESET])
    with pytest.raises(ConnectionResetError):
        ask(wire.port)


def test_hold_waits_for_the_client(wire: Wire) -> None:
    """HOLD keeps the connection open until the client goes."""
    wire.play([b"HTTP/1.1 200 OK\r\n", HOLD])
    with socket.create_connection(("127.0.0.1", wire.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(100)
        assert wire.open == 1
    wire.wait_for(lambda: wire.open == 0)


def test_a_greeting_comes_before_any_request(wire: Wire) -> None:
    """A greeting is written as soon as a connection is made."""
    wire.greeting = [b"220 mail\r\n", CLOSE]
    with socket.create_connection(("127.0.0.1", wire.port)) as connection:
        assert connection.recv(100) == b"220 mail\r\n"


def test_bodies_of_requests_arrive_whole(wire: Wire) -> None:
    """Bodies are read by their length and by their chunks, and the next request on the connection is another one."""
    wire.play([b"a"], [b"b", CLOSE])
    first = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    second = b"POST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
    assert b"".join(ask(wire.port, first + second)) == b"ab"
    assert [(request.target, request.body) for request in wire.requests] == [("/x", b"abc"), ("/y", b"de")]
    assert wire.opened == 1
