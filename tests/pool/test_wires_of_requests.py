"""Requests written by the wire of usual ones and by h11's: the same bytes, or the same objection."""

from types import SimpleNamespace
from typing import Any, TypeAlias

import httpx
from hypothesis import example, given, settings, strategies as st

from ai_client._http.library import library
from ai_client._pool.connection import Connection
from ai_client._pool.h11_wire import H11Wire
from ai_client._pool.message import Message
from ai_client._pool.usual_wire import UsualWire

HTTPX = library("httpx")
ORIGIN = ("http", b"h", 80, None)
Pairs: TypeAlias = list[tuple[bytes, bytes]]
Request: TypeAlias = tuple[str, bytes, Pairs, bytes]


def odd(characters: str) -> st.SearchStrategy[bytes]:
    """Draw a few of these characters."""
    return st.text(characters, max_size=4).map(lambda text: text.encode("latin-1"))


USUAL: list[Pairs] = [
    [(b"Host", b"h")],
    [(b"Host", b"h"), (b"Content-Length", b"2")],
    [(b"A", b"1"), (b"host", b"h"), (b"Content-Length", b"2"), (b"B", b"2")],
]
NAMES = b"Host host A x-b Content-Length content-length Connection Upgrade Transfer-Encoding Expect".split()
VALUES = [
    *b"h 2 0 02 keep-alive Keep-Alive close chunked 100-continue".split(),
    b"a b",
    b"a\r\nX: b",
    b"a\nb",
    b"",
]
PAIRS = st.lists(
    st.tuples(
        st.sampled_from(NAMES) | odd("ab: \r\n\t\0\xfc"), st.sampled_from(VALUES) | odd("ab: ,\r\n\t\0\v\xfc")
    ),
    max_size=4,
)
REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD", "CONNECT", "G T", "G\n", ""]),
    st.sampled_from([b"/", b"/a?b=c", b"/a b", b"/\r\n", b"/\xfc", b""]),
    st.sampled_from(USUAL)
    | PAIRS
    | st.builds(lambda usual, more: usual + more, st.sampled_from(USUAL), PAIRS),
    st.sampled_from([b"", b"{}", b"[]", b"abc"]),
)
FOUR = [(b"Host", b"h"), (b"A", b"1"), (b"B", b"2"), (b"Content-Length", b"2")]
GOOD: Request = ("POST", b"/", FOUR, b"{}")


def after_good(*headers: tuple[bytes, bytes], body: bytes = b"{}") -> list[Request]:
    """Return a good request, and one behind it with these headers."""
    return [GOOD, ("POST", b"/", [(b"Host", b"h"), *headers], body)]


def opened(connection: Connection[Any], method: str, target: bytes, headers: Pairs, body: bytes) -> object:
    """Return what begins an exchange on a connection as it goes over the wire, or why nothing does."""
    return begun(connection, Message(method, ORIGIN, target, headers, body, {}, None))


def begun(connection: Connection[Any], message: Message) -> object:
    """Return what begins an exchange with a message as it goes over the wire, or why nothing does."""
    try:
        return connection.opening(message)
    except httpx.LocalProtocolError as error:
        return str(error)


@settings(max_examples=400)
@given(st.lists(REQUESTS, min_size=1, max_size=4))
@example(after_good((b"A", b"1\r\nB: 2"), (b"Content-Length", b"2")))
@example(after_good((b"A: 1\r\nB", b"2"), (b"Content-Length", b"2")))
@example(after_good((b"A: 1", b"x"), (b"B", b"2"), (b"Content-Length", b"2")))
@example(after_good(*FOUR[1:3], (b"Content-Length", b"2\r\nX: 1")))
@example(after_good(*FOUR[1:3], (b"Content-Length", b"3"), body=b"abc"))
@example(after_good(*FOUR[1:], body=b"abc"))
@example(after_good((b"A", b"1\nB\n2"), (b"Content-Length", b"2")))
@example([*after_good(FOUR[3], (b"A", b"1")), *after_good(FOUR[3], (b"A", b"2\r\nB: 1"))[1:]])
@example([*after_good(FOUR[3], (b"A", b"1")), *after_good(FOUR[3], (b"A", b"2"))[1:]])
def test_requests_of_any_kind(requests: list[Request]) -> None:
    """A request is written or rejected as h11 does it, whatever went over the connection before."""
    route: Any = SimpleNamespace(forwarding=None, host="h", port=80)
    connection: Connection[Any] = Connection(ORIGIN, route, SimpleNamespace(), HTTPX)
    for request in requests:
        connection.wire = H11Wire(HTTPX)
        expected = opened(connection, *request)
        connection.wire = UsualWire(HTTPX)
        assert opened(connection, *request) == expected


MEASURED = st.tuples(
    st.sampled_from(["POST", "PUT", "CONNECT", "G T"]),
    st.sampled_from([b"/", b"/a", b"/a b"]),
    st.integers(0, 3),
    st.sampled_from([b"", b"{}", b"abc"]),
    st.booleans(),
)


@settings(max_examples=400)
@given(st.lists(PAIRS, min_size=4, max_size=4), st.lists(MEASURED, min_size=1, max_size=5))
@example(
    [FOUR[:3], FOUR[:3], [], []], [("POST", b"/", at, body, True) for at in (0, 1) for body in (b"", b"{}")]
)
@example([FOUR[:3], FOUR[:1], [], []], [("POST", b"/", at, b"{}", True) for at in (0, 1, 0)])
@example(
    [FOUR[:3]] * 4,
    [("POST", b"/", 0, b"{}", True), ("POST", b"/", 0, b"{}", False), ("PUT", b"/a", 0, b"", True)],
)
def test_requests_that_share_their_headers(
    lists: list[Pairs], requests: list[tuple[str, bytes, int, bytes, bool]]
) -> None:
    """A request that shares its headers but for the length is written as one that lists them all."""
    lists = [[pair for pair in pairs if pair[0].lower() != b"content-length"] for pairs in lists]
    route: Any = SimpleNamespace(forwarding=None, host="h", port=80)
    connection: Connection[Any] = Connection(ORIGIN, route, SimpleNamespace(), HTTPX)
    for method, target, number, body, measured in requests:
        connection.wire = UsualWire(HTTPX)
        given, whole = lists[number], [*lists[number], (b"Content-Length", b"%d" % len(body))]
        message = Message(
            method, ORIGIN, target, given if measured else whole, body, {}, None, measured=measured
        )
        assert message.headers == whole
        other: Connection[Any] = Connection(ORIGIN, route, SimpleNamespace(), HTTPX)
        other.wire = H11Wire(HTTPX)
        assert begun(connection, message) == opened(other, method, target, whole, body)
