"""Bodies on their way through a policy: watched, read ahead, and played again."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .._http import library

if TYPE_CHECKING:
    import httpx

    from .._io import IO


class _Tapped:
    """A body whose chunks are seen by a function on their way."""

    def __init__(self, stream: Any, see: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._see = see
        self._chunks: Any = None

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._see(chunk)
            yield chunk

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes = await anext(self._chunks)
        self._see(chunk)
        return chunk

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Chunks:
    """A body of chunks that are at hand, and then, where there is one, the rest of another."""

    def __init__(self, first: Sequence[bytes], rest: Any = None, stream: Any = None) -> None:
        self._first = iter(first)
        self._rest = rest
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._first
        if self._rest is not None:
            yield from self._rest

    def __aiter__(self) -> AsyncIterator[bytes]:
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
    """Give *cls* the bases that an HTTP library insists on."""
    return type(cls.__name__.strip("_"), (cls, *bases), {})


def _bases(stream: Any) -> tuple[type[Any], ...]:
    names = {"SyncByteStream", "AsyncByteStream"}
    return tuple(base for base in type(stream).__mro__ if base.__name__ in names)


def tap(response: "httpx.Response", see: Callable[[bytes], None]) -> None:
    """Let *see* see each raw chunk of a body that is not read yet."""
    stream = response.stream
    response.stream = _derived(_Tapped, _bases(stream))(stream, see)


async def first_chunk(io: "IO", response: "httpx.Response") -> bytes | None:
    """Wait for the first raw chunk of a body and put it back; `None` where the body is empty."""
    stream = response.stream
    rest = io.chunks(stream)
    chunk: bytes | None = await io.chunk(rest)
    response.stream = _derived(_Chunks, _bases(stream))(() if chunk is None else (chunk,), rest, stream)
    return chunk


def library_of(io: "IO") -> Any:
    """Give the HTTP library that a client uses."""
    return library(io.timeouts[0].__module__.partition(".")[0]).http


def make_response(
    io: "IO",
    *,
    method: str,
    url: str,
    status: int,
    headers: Sequence[tuple[str, str]],
    chunks: Sequence[bytes],
    read: bool,
) -> "httpx.Response":
    """Make an answer of the client's HTTP library without a server, its body *read* or yet to be."""
    http = library_of(io)
    request = http.Request(method, url)
    response: httpx.Response
    if read:
        response = http.Response(status, headers=headers, content=b"".join(chunks), request=request)
    else:
        stream = _derived(_Chunks, (http.SyncByteStream, http.AsyncByteStream))(chunks)
        response = http.Response(status, headers=headers, stream=stream, request=request)
    return response
