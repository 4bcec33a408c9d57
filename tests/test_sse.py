"""Server-sent events out of bytes, cut anywhere."""

import pytest
from hypothesis import given, strategies as st

from ai_client._sse import ServerSentEvent, SSEDecoder

BODIES = [
    (b'data: {"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
    (b"data:x\r\n\r\ndata:y\r\rdata: z\n\n", [b"x", b"y", b"z"]),
    (b"\xef\xbb\xbfdata: bom\n\n", [b"bom"]),
    (b": comment\n\n:\ndata: a\n: more\ndata: b\n\n", [b"a\nb"]),
    ('data: {"t":"äöü€🎈"}\r\n\r\n'.encode(), ['{"t":"äöü€🎈"}'.encode()]),
    (b"data\n\ndata: \n\ndata:  two blanks\n\n", [b"", b"", b" two blanks"]),
    (b"event: ping\n\ndata: after\n\n", [b"after"]),
    (b"unknown: x\ndata: known\nretry: 10\nid: 7\n\n", [b"known"]),
    (b"\n\n\r\n\r\rdata: x\n\n\n\n", [b"x"]),
    (b"data: cut off", [b"cut off"]),
    (b"data: no blank line\n", [b"no blank line"]),
    (b"", []),
    (b"data: a\x0bb\x0cc\x85d\n\n", [b"a\x0bb\x0cc\x85d"]),
]


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    """Give the events of a body that comes in these chunks."""
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.flush()]


@pytest.mark.parametrize(("body", "data"), BODIES)
def test_events_of_whole_bodies(body: bytes, data: list[bytes]) -> None:
    """Line ends, comments, several data lines, byte order mark and empty lines count as the standard says."""
    assert [event.data for event in decode(body)] == data


@pytest.mark.parametrize("body", [body for body, _ in BODIES])
def test_byte_by_byte(body: bytes) -> None:
    """A body that comes byte by byte has the events of the whole."""
    assert decode(*(body[i : i + 1] for i in range(len(body)))) == decode(body)


@given(
    st.lists(st.sampled_from([body for body, _ in BODIES]) | st.binary(max_size=20), max_size=5).map(
        b"".join
    ),
    st.lists(st.integers(0, 300)),
)
def test_any_split_gives_the_same_events(body: bytes, cuts: list[int]) -> None:
    """Wherever a body is cut into chunks, empty ones included, its events are the same."""
    places = sorted({0, len(body), *(cut for cut in cuts if cut <= len(body))})
    chunks = [body[start:end] for start, end in zip(places, [*places[1:], len(body)], strict=True)]
    assert b"".join(chunks) == body
    assert decode(*chunks) == decode(body)


def test_type_id_and_retry() -> None:
    """Type, id and retry time are given with the event; a faulty retry time is not."""
    first, second = decode(b"event: add\nid: 1\nretry: 20\ndata: x\n\nretry: soon\ndata: {}\n\n")
    assert first == ServerSentEvent(b"x", "add", "1", 20)
    assert second == ServerSentEvent(b"{}", None, "1", None)
    assert second.json() == {}
