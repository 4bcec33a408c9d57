"""Server-sent events out of bytes, cut anywhere."""

import pytest
from hypothesis import given, strategies as st

from ai_client._answers.sse import Event, SSEDecoder

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
    (b"data: cut off", []),
    (b"data: no blank line\n", []),
    (b"data: whole\n\ndata: [DONE]", [b"whole", b"[DONE]"]),
    (b"data: whole\r\n\r\ndata: [DONE]\r\n", [b"whole", b"[DONE]"]),
    (b"data: [DONE] or not", []),
    (b"data: more\ndata: [DONE]\n", []),
    (b"", []),
    (b"data: a\x0bb\x0cc\x85d\n\n", [b"a\x0bb\x0cc\x85d"]),
]


def decode(*chunks: bytes) -> list[Event]:
    """Give the events of a body that comes in these chunks."""
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.flush()]


@pytest.mark.parametrize(("body", "data"), BODIES)
def test_events_of_whole_bodies(body: bytes, data: list[bytes]) -> None:
    """Line ends, comments, several data lines, byte order mark and empty lines count as the standard says."""
    assert [found for found, _ in decode(body)] == data


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


@given(
    st.lists(
        st.sampled_from(
            [b"data: a", b"data:b", b"event: n", b"event: m", b": c", b"id: 1", b"data", b"x", b"", b""]
        )
    )
)
def test_line_ends_make_no_difference(lines: list[bytes]) -> None:
    """Events are the same whichever of the three ends their lines have."""
    expected = decode(b"\n".join(lines))
    assert decode(b"\r\n".join(lines)) == expected
    assert decode(b"\r".join(lines)) == expected


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    b"data: a",
                    b"data: ",
                    b"data:b",
                    b"event: n",
                    b"event: ",
                    b"event:m",
                    b"id: 1",
                    b"data: \r",
                    b"x",
                ]
            ),
            max_size=3,
        ).map(lambda lines: b"\n".join([*lines, b"", b""]))
    )
)
def test_an_event_a_chunk(chunks: list[bytes]) -> None:
    """Events of any form, each in a chunk of its own, are those of the whole body."""
    assert decode(*chunks) == decode(b"".join(chunks))
    for chunk in chunks:
        assert decode(chunk) == decode(*(chunk[at : at + 1] for at in range(len(chunk))))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_names(end: bytes) -> None:
    """The name of an event is given with it, wherever it stands and whatever stands beside it."""
    lines = [
        b"event: add",
        b"data: 1",
        b"",
        b"id: 1",
        b"data: 2",
        b"event:more",
        b"retry: 20",
        b"",
        b"data: 3",
        b"",
    ]
    assert decode(end.join([*lines, b""])) == [(b"1", b"add"), (b"2", b"more"), (b"3", None)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "body",
    [
        [b"data: ", *[b"x" * 100] * 2_000],
        [b"data: ", *[b"x" * 99 + b"\ndata: "] * 2_000],
        [b"data: x\n\n"] * 2_000,
    ],
    ids=["one long line", "many lines", "many events"],
)
def test_work_grows_with_the_bytes(body: list[bytes], end: bytes) -> None:
    """However an event is spread over chunks, no byte is joined to others more than twice."""

    class Counted(SSEDecoder):
        joined = 0

        def _joined(self, chunk: bytes) -> bytes:
            whole = super()._joined(chunk)
            self.joined += len(whole)
            return whole

    decoder = Counted()
    chunks = [piece.replace(b"\n", end) for piece in [*body, b"\n\n"]]
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    assert sum(len(data) for data, _ in events) >= 2_000
    assert decoder.joined <= 2 * sum(map(len, chunks))
