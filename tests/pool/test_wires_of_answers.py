"""Answers read by the wire of usual ones and by h11's: no difference in what is accepted, read and kept."""

import itertools
from collections.abc import Sequence

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from ai_client._http.library import library
from ai_client._pool.h11_wire import H11Wire
from ai_client._pool.request_head import RequestHead
from ai_client._pool.usual_wire import UsualWire
from ai_client._pool.wire import Wire
from tests.support.odd_answers import ODD, USUAL

HTTPX = library("httpx")
HEADERS = [(b"Host", b"h"), (b"Content-Length", b"2")]
CORPUS = USUAL | ODD


def exchanged(wire: Wire, method: str, pieces: Sequence[bytes]) -> list[object]:
    """Return what is known of an exchange after each piece of its answer, and after all whether another may follow."""
    known: list[object] = []
    head = None
    parts: list[bytes] = []
    is_whole = False
    wire.begin(RequestHead(method, b"/", HEADERS), HEADERS, b"{}")
    try:
        for piece in pieces:
            wire.feed(piece)
            head = head or wire.response()
            if head is not None and not is_whole:
                is_whole = wire.drain(parts)
            if head is not None:
                known.append((head.status_code, head.reason, head.http_version, head.headers))
            known.append((b"".join(parts), is_whole))
            if is_whole:
                break  # a pool reads no further
    except httpx.RemoteProtocolError as error:
        told, quoted, _ = str(error).partition(
            "bytearray"
        )  # how much of a line is quoted depends on the cuts
        known.append((b"".join(parts), told + quoted, getattr(error, "said", None)))
    return [*known, wire.renew()]


def assert_same(method: str, answers: Sequence[Sequence[bytes]]) -> None:
    """Hold both wires against each other over exchanges on one connection, each of which is answered in pieces."""
    usual, other = UsualWire(HTTPX), H11Wire(HTTPX)
    for pieces in answers:
        expected = exchanged(other, method, pieces)
        assert exchanged(usual, method, pieces) == expected
        if expected[-1] is False:
            break


def cut(answer: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut an answer at some places."""
    edges = sorted({0, *places, len(answer)})
    return [answer[start:end] for start, end in itertools.pairwise(edges)]


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("name", CORPUS)
def test_answers_cut_at_every_byte(name: str, method: str) -> None:
    """An answer is read as h11 reads it wherever it is cut, be the connection ended behind it or used again."""
    answer = CORPUS[name]
    places = range(1, len(answer), 1 if len(answer) < 1000 else 60)
    for pieces in [cut(answer, places), *(cut(answer, [place]) for place in (0, *places))]:
        assert_same(method, [pieces, pieces])
        assert_same(method, [[*pieces, b""]])


@pytest.mark.parametrize("name", USUAL)
def test_usual_answers_need_no_other_reader(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usual answers, whole or cut, are never handed to h11."""
    monkeypatch.setattr("ai_client._pool.usual_wire.H11Wire", None)
    answer = USUAL[name]
    for place in range(len(answer)):
        assert exchanged(UsualWire(HTTPX), "POST", cut(answer, [place]))[-1] is True


@pytest.mark.parametrize("size", [15, 17, 99, 101, 150])
@pytest.mark.parametrize("end", [b"\r\n\r\n{}", b""])
@pytest.mark.parametrize("piece", [1000, 64 * 1024, 200 * 1024])
def test_long_heads(size: int, end: bytes, piece: int) -> None:
    """A head is as long as h11 lets it be, and refused as soon."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: %b" % (b"x" * size * 1024) + end
    assert_same("POST", [cut(answer, range(0, len(answer), piece))])


@pytest.mark.parametrize("line", [b"2;", b"0\r\nX: "])
@pytest.mark.parametrize("size", [99, 101])
def test_long_lines_of_chunks(size: int, line: bytes) -> None:
    """What belongs to chunks and not to the body is as long as h11 lets it be."""
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + line + b"x" * size * 1024
    assert_same("POST", [cut(answer, range(0, len(answer), 5000))])


STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 204 No", b"HTTP/1.0 200 OK", b"HTTP/1.1 100 Go", b"HTTP/1.1 500"]
)
FIELDS = st.sampled_from(
    [
        *[b"Content-Length: %d" % n for n in (0, 2, 5)],
        *[b"Transfer-Encoding: chunked"] * 3,
        b"Transfer-Encoding: Chunked",
        b"content-length:\t2 ",
        b"Connection: close",
        b"Connection: keep-alive",
        b"X: a",
        b" folded",
        b"Broken",
        b"X: \x00",
    ]
)
BREAKS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\n\n", b"\r\n\r\n"])
BODIES = st.sampled_from(
    [
        b"{}",
        b"hello",
        b"",
        b"2\r\n{}\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"0\r\nX: 1\r\n\r\n",
        b"3;x\r\nabc\r\n",
    ]
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Draw an answer of parts that often fit together, now and then with a byte of another kind."""
    lines = [draw(STATUS), *draw(st.lists(FIELDS, max_size=4))]
    text = b"".join(line + draw(BREAKS) for line in lines) + draw(BREAKS)
    text += b"".join(draw(st.lists(BODIES, max_size=5)))
    if draw(st.integers(0, 3)) == 0 and text:
        place = draw(st.integers(0, len(text) - 1))
        text = text[:place] + draw(st.binary(max_size=3)) + text[place + draw(st.integers(0, 2)) :]
    return text


@settings(max_examples=400)
@given(
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    replies=st.lists(
        st.tuples(answers(), st.lists(st.integers(0, 200), max_size=6), st.booleans()), min_size=1, max_size=3
    ),
)
def test_answers_of_any_kind(method: str, replies: list[tuple[bytes, list[int], bool]]) -> None:
    """Whatever arrives in whatever pieces is taken as h11 takes it, in each exchange of a connection."""
    taken = [[*filter(None, cut(answer, places)), *[b""] * ended] for answer, places, ended in replies]
    assert_same(method, taken)
