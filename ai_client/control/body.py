"""Response bodies inside a policy: tap the chunks, read ahead, replay."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Self

from .._exchange.answer import Answer
from .._http.library import library
from .._io import IO
from .._libraries import httpx


class _Tapped:
    """A body that passes each chunk to a function. A second iteration resumes where the first stopped."""

    def __init__(self, stream: Any, see: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._see = see
        self._chunks: Any = None

    def _pass(self, chunk: bytes | None) -> bytes | None:
        if chunk is not None:
            self._see(chunk)
        return chunk

    def __iter__(self) -> Self:
        if self._chunks is None:
            self._chunks = iter(self._stream)
        return self

    def __next__(self) -> bytes:
        chunk = self._pass(next(self._chunks, None))
        if chunk is None:
            raise StopIteration
        return chunk

    def __aiter__(self) -> Self:
        if self._chunks is None:
            self._chunks = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        chunk = self._pass(await anext(self._chunks, None))
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Chunks:
    """A body made of buffered chunks, followed by the rest of another body where there is one.

    A second iteration resumes where the first stopped.
    """

    def __init__(self, first: Sequence[bytes], rest: Any = None, stream: Any = None) -> None:
        self._first = iter(first)
        self._rest = rest
        self._stream = stream

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        for chunk in self._first:
            return chunk
        if self._rest is None:
            raise StopIteration
        rest: Iterator[bytes] = self._rest
        return next(rest)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._first:
            return chunk
        if self._rest is None:
            raise StopAsyncIteration
        return await anext(self._rest)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()


@cache
def _derived(cls: type[Any], bases: tuple[type[Any], ...]) -> type[Any]:
    """Return a subclass of *cls* with the stream base classes that the HTTP library checks for."""
    return type(cls.__name__.strip("_"), (cls, *bases), {})


def _bases(stream: Any) -> tuple[type[Any], ...]:
    names = {"SyncByteStream", "AsyncByteStream"}
    return tuple(base for base in type(stream).__mro__ if base.__name__ in names)


def tap(answer: Answer, see: Callable[[bytes], None]) -> None:
    """Pass each raw chunk of an unread body to *see* as it is read."""
    stream = answer.body
    answer.body = _derived(_Tapped, _bases(stream))(stream, see)


async def read_ahead(io: IO, answer: Answer, is_enough: Callable[[bytes], bool]) -> bool:
    """Read raw chunks until one satisfies *is_enough*, then put them all back at the front of the body.

    Returns:
        Whether such a chunk came before the body ended.
    """
    stream = answer.body
    rest = io.chunks(stream)
    chunks: list[bytes] = []
    chunk: bytes | None
    while (chunk := await io.chunk(rest)) is not None:
        chunks.append(chunk)
        if is_enough(chunk):
            break
    answer.body = _derived(_Chunks, _bases(stream))(chunks, rest, stream)
    return chunk is not None


def library_of(io: IO) -> Any:
    """Return the HTTP library behind a client's `IO`."""
    return library(io.timeouts[0].__module__.partition(".")[0]).http


def make_response(
    io: IO,
    *,
    method: str,
    url: str,
    status: int,
    headers: Sequence[tuple[str, str]] | Sequence[tuple[bytes, bytes]],
    chunks: Sequence[bytes],
    read: bool,
) -> "httpx.Response":
    """Build a response of the client's HTTP library without a server, its body *read* already or still a stream."""
    http = library_of(io)
    request = http.Request(method, url)
    response: httpx.Response
    if read:
        response = http.Response(status, headers=headers, content=b"".join(chunks), request=request)
    else:
        stream = _derived(_Chunks, (http.SyncByteStream, http.AsyncByteStream))(chunks)
        response = http.Response(status, headers=headers, stream=stream, request=request)
    return response
