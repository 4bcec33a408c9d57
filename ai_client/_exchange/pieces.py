"""Bodies in small pieces, so that what each of them is decoded to is small too."""

from functools import cache
from typing import Any, Self


class _Pieces:
    """A body in pieces of a bounded size; an iterator, as asking for one twice must lose nothing."""

    def __init__(self, stream: Any, size: int) -> None:
        self._stream = stream
        self._size = size
        self._chunks: Any = None
        self._chunk = b""
        self._start = 0

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._chunks is None:
            self._chunks = iter(self._stream)
        if self._start >= len(self._chunk):
            self._chunk, self._start = next(self._chunks), 0
        return self._piece()

    async def __anext__(self) -> bytes:
        if self._chunks is None:
            self._chunks = aiter(self._stream)
        if self._start >= len(self._chunk):
            self._chunk, self._start = await anext(self._chunks), 0
        return self._piece()

    def _piece(self) -> bytes:
        start = self._start
        self._start = end = start + self._size
        return self._chunk[start:end]

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def in_pieces(stream: Any, size: int) -> Any:
    """Return a body of the HTTP library in pieces of at most *size* bytes."""
    names = {"SyncByteStream", "AsyncByteStream"}
    bases = tuple(base for base in type(stream).__mro__ if base.__name__ in names)
    return _of_bases(bases)(stream, size)


@cache
def _of_bases(bases: tuple[type[Any], ...]) -> type[Any]:
    """Return the class of body pieces with the base classes that the HTTP library requires."""
    return type("Pieces", (_Pieces, *bases), {})
