"""Decoding events costs as much as they are long: counted, on bodies of two sizes."""

from collections.abc import Callable
from typing import Any

import pytest

from ai_client._answers import sse as _sse
from ai_client._answers.sse import SSEDecoder
from tests.support.counting import Work, assert_linear, counted

EVENT = b"event: add\ndata: " + b"x" * 30 + b"\n\n"

BODIES: dict[str, Callable[[int], list[bytes]]] = {
    "all at once": lambda size: [EVENT * size],
    "an event a chunk": lambda size: [EVENT] * size,
    "an event in two chunks": lambda size: [EVENT[-1:] + EVENT[:-1]] * size,
    "a byte a chunk": lambda size: [bytes([byte]) for byte in EVENT * (size // 8)],
    "an event of many chunks": lambda size: [b"data: ", *[b"x" * 30] * size, b"\n\n"],
    "an event of many lines": lambda size: [*[b"data: " + b"x" * 30 + b"\n"] * size, b"\n"],
    "an event of many lines, cut at their ends": lambda size: [*[b"\ndata: " + b"x" * 30] * size, b"\n\n"],
    "a line that never ends": lambda size: [b"data: " + b"x" * 30] * size,
    "comments": lambda size: [b": still here\n"] * size,
    "comments between empty lines": lambda size: [b": still here\n\n"] * size,
    "empty lines": lambda size: [b"\n\n\n\n"] * size,
}


def decoding(decoder: Any, chunks: list[bytes], place: str = _sse.__file__) -> Work:
    """Count what decoding takes in the decoder's file."""
    with counted(place) as work:
        for each in chunks:
            decoder.feed(each)
        decoder.flush()
    return work


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("body", BODIES)
def test_decoding(body: str, end: bytes) -> None:
    """Decoding a body costs as much as it is long, however it is cut."""

    def work(size: int) -> Work:
        chunks = [EVENT, *BODIES[body](size)]  # the first event shows how lines end
        return decoding(SSEDecoder(), [each.replace(b"\n", end) for each in chunks])

    assert_linear(work)


class Copying:
    """A decoder that copies everything with each chunk."""

    def __init__(self) -> None:
        self.buffer: Any = b""

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.buffer += chunk
        while b"\n\n" in self.buffer:
            _, _, self.buffer = self.buffer.partition(b"\n\n")

    def flush(self) -> None:
        """End."""


class Searching(Copying):
    """A decoder that searches everything with each chunk, in place."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.buffer += chunk
        while (end := self.buffer.find(b"\n\n")) >= 0:
            del self.buffer[: end + 2]


class Joining(Copying):
    """A decoder that joins everything with each chunk."""

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.chunks = [*getattr(self, "chunks", []), chunk]
        whole = b"".join(self.chunks)
        if b"\n\n" in whole:
            self.chunks = []


class Walking(Copying):
    """A decoder that walks over all chunks with each one."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.chunks.append(chunk)
        if any(each.endswith(b"\n") for each in self.chunks):
            self.chunks.clear()


@pytest.mark.parametrize("wrong", [Copying, Searching, Joining, Walking])
def test_wrong_decoders_are_told(wrong: type[Copying]) -> None:
    """What grows with the square of the chunks is found out, be it in instructions or in bytes."""
    with pytest.raises(AssertionError):
        assert_linear(lambda size: decoding(wrong(), BODIES["an event of many chunks"](size), __file__))
