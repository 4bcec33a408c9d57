"""How much of an answer is held in memory: bytes are counted as they are read and decoded."""

import sys
import zlib
from functools import cache
from typing import Any, NamedTuple, Self, cast

from .._http.library import library
from .._libraries import httpx
from .._params.defaults import DEFAULT_MAX_EVENT_BYTES, DEFAULT_MAX_RESPONSE_BYTES
from .._params.omit import NotGiven
from ..errors import APIResponseValidationError, ConfigError, ResponseTooLargeError
from .unpacking import PACKED, Unpacker

EXTENSION = "ai_client.bounds"
"""The request extension that holds other bounds than the usual ones."""
_PIECES = {"gzip": 4096, "deflate": 4096}
_UNREADABLE = frozenset({"br", "zstd", "compress", "x-compress", "x-gzip"})
_MOST_IDLE = 1024 * 1024
_PIECE = 256  # of brotli and zstd, whose few bytes may stand for megabytes


class Bounds(NamedTuple):
    """The most bytes held in memory: of a whole answer, and of one event of a stream."""

    response: int
    event: int

    @classmethod
    def of(cls, max_response_bytes: int | None, max_event_bytes: int | None) -> "Bounds":
        """Make bounds of a client's options, of which `None` is no bound.

        Raises:
            TypeError: One is no integer.
            ValueError: One is not positive.
        """
        bounds = cls(
            _checked("max_response_bytes", max_response_bytes), _checked("max_event_bytes", max_event_bytes)
        )
        return USUAL if bounds == USUAL else bounds

    def changed(
        self, max_response_bytes: int | NotGiven | None, max_event_bytes: int | NotGiven | None
    ) -> "Bounds":
        """Return the bounds with those replaced that are given."""
        response = self.response if isinstance(max_response_bytes, NotGiven) else max_response_bytes
        event = self.event if isinstance(max_event_bytes, NotGiven) else max_event_bytes
        return self.of(response, event)


def _checked(name: str, value: int | None) -> int:
    if value is None:
        return sys.maxsize
    if type(value) is not int:
        raise TypeError(f"{name} must be a positive number of bytes, or None for no bound")
    if value < 1:
        raise ConfigError(f"{name} must be a positive number of bytes, or None for no bound")
    return value


USUAL = Bounds(DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_MAX_EVENT_BYTES)


def read(response: "httpx.Response") -> bytes:
    """Read a body to its end.

    Raises:
        ResponseTooLargeError: It is larger than may be held in memory; the answer is closed.
    """
    content, size, limit = _begun(response)
    if content is None and size <= limit:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > limit:
                break
        else:
            content = response._content = b"".join(parts)
    if content is None or size > limit:
        response.close()
        raise _too_large(response, limit, size)
    return content


async def aread(response: "httpx.Response") -> bytes:
    """Read a body to its end, as `read`."""
    content, size, limit = _begun(response)
    if content is None and size <= limit:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > limit:
                break
        else:
            content = response._content = b"".join(parts)
    if content is None or size > limit:
        await response.aclose()
        raise _too_large(response, limit, size)
    return content


def _begun(response: "httpx.Response") -> tuple[bytes | None, int, int]:
    """Return what was read of a body, if it was, its size, and how large it may be.

    The size of one that was not read is what its head says, to spare reading one that is too large, else 0.
    """
    bounds: Bounds = response.request.extensions.get(EXTENSION, USUAL)
    content: bytes | None = getattr(response, "_content", None)
    if content is not None:
        return content, len(content), bounds.response
    stream = response.stream
    if hasattr(stream, "__iter__") and hasattr(stream, "__aiter__"):  # either client can read what is at hand
        return None, 0, bounds.response
    length = response.headers.get("content-length", "")
    is_told = length.isdecimal() and "content-encoding" not in response.headers
    return None, int(length) if is_told else 0, bounds.response


def _too_large(response: "httpx.Response", limit: int, size: int) -> ResponseTooLargeError:
    request = response.request
    message = (
        f"The answer to {request.method} {request.url.path} is larger than max_response_bytes, which is {limit} bytes:"
        f" {size} at least. Set max_response_bytes, or read it piece by piece, as with_streaming_response does."
    )
    return ResponseTooLargeError(response, None, message=message)


def limit_decoding(response: "httpx.Response") -> None:
    """Decode a compressed body in small pieces, so that its size is bounded while it grows.

    If its encoding has an end mark, a body that ends before it is incomplete.

    Raises:
        APIResponseValidationError: It is encoded more than once, so that what grows would grow again, or in a way
            that cannot be decoded here.
    """
    encoding = response.headers.get("content-encoding")
    if encoding is None or hasattr(response, "_content"):
        return
    codings = [coding for each in encoding.lower().split(",") if (coding := each.strip()) != "identity"]
    if not codings:
        return
    if len(codings) > 1:
        raise APIResponseValidationError(
            response, None, message="The answer is encoded more than once, which is not decoded."
        )
    name = _library_name(response)
    decoder: Any = response._get_content_decoder()
    if codings[0] in PACKED:
        decoder = _Unpacking(codings[0])
    elif codings[0] in _UNREADABLE and type(decoder).__name__ == "IdentityDecoder":
        raise APIResponseValidationError(
            response, None, message=f"The answer is encoded as {codings[0]}, which cannot be decoded."
        )
    if hasattr(decoder, "decompressor"):
        kind = _Whole if name == "httpx" else _WholeParts
        cast("Any", response)._decoder = kind(decoder, library(name).http.DecodingError)
    stream: Any = response.stream
    names = {"SyncByteStream", "AsyncByteStream"}
    bases = tuple(base for base in type(stream).__mro__ if base.__name__ in names)
    response.stream = _of_bases(bases)(stream, _PIECES.get(codings[0], _PIECE))


def _library_name(response: "httpx.Response") -> str:
    return type(response).__module__.partition(".")[0]


class _Unpacking:
    """Gzip and deflate with the methods of the HTTP library's decoders, which do not know all of either."""

    def __init__(self, coding: str) -> None:
        self.decompressor = Unpacker(coding)
        self.decode = self.decompressor.decode

    def flush(self) -> bytes:
        return b""


class _Whole:
    """A decoder that takes no half of an encoded body for a whole one, and no endless one that decodes to nothing."""

    def __init__(self, decoder: Any, failure: type[Exception]) -> None:
        self._decoder = decoder
        self._failure = failure
        self._begun = False
        self._idle = 0

    def decode(self, data: bytes) -> Any:
        self._begun = self._begun or bool(data)
        try:
            decoded = _joined(self._decoder.decode(data))
        except zlib.error as error:
            raise self._failure(str(error)) from error
        self._idle = 0 if decoded else self._idle + len(data)
        if self._idle > _MOST_IDLE:
            raise self._failure("The body goes on although nothing is encoded in it any more.")
        return decoded

    def flush(self) -> Any:
        rest = _joined(self._decoder.flush())
        if self._begun and not _has_ended(self._decoder.decompressor):
            raise self._failure("The compressed body ended before its content did.")
        return rest


class _WholeParts(_Whole):
    """The same for a library whose decoders give parts."""

    def decode(self, data: bytes) -> Any:
        return (super().decode(data),)

    def flush(self) -> Any:
        return (super().flush(),)


def _joined(decoded: Any) -> bytes:
    return decoded if isinstance(decoded, bytes) else b"".join(decoded)


def _has_ended(decompressor: Any) -> bool:
    """Return whether the compressed data has ended, per library; true if a library cannot tell."""
    for name in ("is_whole", "eof", "is_finished"):
        if (ended := getattr(decompressor, name, None)) is not None:
            return bool(ended() if callable(ended) else ended)
    return True


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


@cache
def _of_bases(bases: tuple[type[Any], ...]) -> type[Any]:
    """Return the class of body pieces with the base classes that the HTTP library requires."""
    return type("Pieces", (_Pieces, *bases), {})
