"""Answers as bytes: framed in each way that HTTP/1.1 knows, and cut into the writes in which they arrive."""

import itertools
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from tests.support.hostile.wire import CLOSE, Step

Framing = Literal["chunked", "length", "close"]
FRAMINGS: tuple[Framing, ...] = ("chunked", "length", "close")


def head(
    status: int = 200,
    headers: Sequence[tuple[str, str]] = (),
    *,
    content_type: str | None = "application/json",
    reason: str = "OK",
) -> bytes:
    """Return a head without the headers that frame the body, and without the empty line."""
    lines = [f"HTTP/1.1 {status} {reason}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Encode one chunk of a body; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def compressed(parts: Sequence[bytes]) -> list[bytes]:
    """Compress the parts of a body so that each can be read as soon as it is there; the last ends the stream."""
    packer = zlib.compressobj(wbits=31)
    return [*(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in parts), packer.flush()]


def framed(
    parts: Sequence[bytes],
    framing: Framing = "chunked",
    *,
    status: int = 200,
    headers: Sequence[tuple[str, str]] = (),
    content_type: str | None = "application/json",
    zipped: bool = False,
    trailers: Sequence[tuple[str, str]] = (),
) -> list[bytes]:
    """Return an answer in pieces: its head, its parts as they are framed, and, where it is chunked, its last chunk.

    A body framed by `close` must be followed by `CLOSE` in the script.
    """
    if zipped:
        parts = compressed(parts)
        headers = [*headers, ("Content-Encoding", "gzip")]
    start = head(status, headers, content_type=content_type)
    if framing == "chunked":
        start += b"Transfer-Encoding: chunked\r\n"
        end = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in trailers)
        return [start + b"\r\n", *(chunk(part) for part in parts if part), b"0\r\n" + end + b"\r\n"]
    if framing == "length":
        start += b"Content-Length: %d\r\n" % sum(map(len, parts))
    else:
        start += b"Connection: close\r\n"
    return [start + b"\r\n", *(part for part in parts if part)]


def whole(pieces: Sequence[bytes]) -> list[bytes]:
    """Write everything at once."""
    return [b"".join(pieces)]


def apart(pieces: Sequence[bytes]) -> list[bytes]:
    """Write each piece on its own: the head, each event, the end."""
    return list(pieces)


def head_with_first(pieces: Sequence[bytes]) -> list[bytes]:
    """Write the head together with the first piece of the body."""
    return [b"".join(pieces[:2]), *pieces[2:]]


def halves(pieces: Sequence[bytes]) -> list[bytes]:
    """Write two pieces and a half, then the rest in the same way: every third piece is cut in the middle."""
    cuts: list[bytes] = []
    pending = b""
    for index, piece in enumerate(pieces):
        if index % 3 == 2:
            middle = len(piece) // 2
            cuts.append(pending + piece[:middle])
            pending = piece[middle:]
        else:
            pending += piece
    return [cut for cut in (*cuts, pending) if cut]


def last_apart(pieces: Sequence[bytes]) -> list[bytes]:
    """Write all but the last piece at once, and that on its own."""
    return [b"".join(pieces[:-1]), pieces[-1]]


def byte_by_byte(pieces: Sequence[bytes]) -> list[bytes]:
    """Write each byte on its own."""
    text = b"".join(pieces)
    return [text[index : index + 1] for index in range(len(text))]


def cut_at(position: int) -> Callable[[Sequence[bytes]], list[bytes]]:
    """Write what is before a position, then what is after it."""

    def cut(pieces: Sequence[bytes]) -> list[bytes]:
        text = b"".join(pieces)
        return [part for part in (text[:position], text[position:]) if part]

    return cut


def in_the_head(pieces: Sequence[bytes]) -> list[bytes]:
    """Cut the head within a name, within a value and within its empty line, and write the rest at once."""
    text = b"".join(pieces)
    end = text.index(b"\r\n\r\n")
    return _cut(text, {3, 14, text.index(b":") - 2, end // 2, end + 1, end + 3})


def at_line_breaks(pieces: Sequence[bytes]) -> list[bytes]:
    """Cut between every CR and LF, and between every two LF."""
    text = b"".join(pieces)
    return _cut(text, {at for at in range(1, len(text)) if text[at - 1 : at + 1] in {b"\r\n", b"\n\n"}})


def in_characters(pieces: Sequence[bytes]) -> list[bytes]:
    """Cut within every character of several bytes, and within every escape."""
    text = b"".join(pieces)
    return _cut(text, {at for at in range(1, len(text)) if text[at] & 0xC0 == 0x80 or text[at - 1] == 0x5C})


def anywhere(seed: int) -> Callable[[Sequence[bytes]], list[bytes]]:
    """Cut at six random places."""

    def cut(pieces: Sequence[bytes]) -> list[bytes]:
        text = b"".join(pieces)
        chance = random.Random(seed)
        return _cut(text, {chance.randrange(1, len(text)) for _ in range(6)})

    return cut


def _cut(text: bytes, places: set[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


SEGMENTATIONS: dict[str, Callable[[Sequence[bytes]], list[bytes]]] = {
    "whole": whole,
    "apart": apart,
    "head with first": head_with_first,
    "halves": halves,
    "last apart": last_apart,
    "in the head": in_the_head,
    "at line breaks": at_line_breaks,
    "in characters": in_characters,
    "anywhere": anywhere(0),
}
"""Ways to write an answer in few writes; `byte_by_byte` takes one for each byte."""


def script(
    parts: Sequence[bytes],
    framing: Framing = "chunked",
    segmentation: Callable[[Sequence[bytes]], list[bytes]] = whole,
    **options: object,
) -> list[Step]:
    """Return the script of a whole answer, which ends its connection where its framing needs that."""
    writes: list[Step] = [*segmentation(framed(parts, framing, **options))]  # type: ignore[arg-type]
    return [*writes, CLOSE] if framing == "close" else writes


def events(*data: bytes, end: bytes | None = b"[DONE]") -> Iterator[bytes]:
    """Encode the events of a stream, each a part of its body, with the end mark where there is one."""
    for one in data if end is None else (*data, end):
        yield b"data: %b\n\n" % one


EVENT_STREAM = "text/event-stream"
