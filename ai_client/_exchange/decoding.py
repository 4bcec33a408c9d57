"""Bodies that are encoded: which decoder reads them, and when what it has read is whole."""

import zlib
from typing import Any, Protocol

from .._http.library import Library, library
from .._libraries import httpx
from ..errors import APIResponseValidationError
from .pieces import in_pieces
from .unpacking import PACKED, Unpacker

_UNREADABLE = frozenset({"br", "zstd", "compress", "x-compress", "x-gzip"})
_MOST_IDLE = 1024 * 1024
_OF_PACKED = 4096
_OF_OTHERS = 256  # of brotli and zstd, whose few bytes may stand for megabytes


class _Coding(Protocol):
    def decode(self, data: bytes, /) -> Any: ...
    def flush(self) -> Any: ...


class UndecodableError(Exception):
    """The encoding of a body is none that is decoded here."""


class Decoder:
    """A decoder that takes no half of an encoded body for a whole one, and no endless one that decodes to nothing.

    Args:
        coding: The decoder of the encoding, of ours or of the HTTP library.
        failure: The HTTP library's error of a body that is not encoded so.
        most: The most bytes to decode at once, so that what they grow to is bounded.
    """

    __slots__ = ("_begun", "_coding", "_idle", "failure", "most")

    def __init__(self, coding: _Coding, failure: type[Exception], most: int) -> None:
        self.most = most
        self._coding = coding
        self.failure = failure
        self._begun = False
        self._idle = 0

    def decode(self, data: bytes) -> bytes:
        """Decode the next piece.

        Raises:
            Exception: The HTTP library's; the body is not encoded so, or goes on without end.
        """
        self._begun = self._begun or bool(data)
        try:
            decoded = _joined(self._coding.decode(data))
        except zlib.error as error:
            raise self.failure(str(error)) from error
        self._idle = 0 if decoded else self._idle + len(data)
        if self._idle > _MOST_IDLE:
            raise self.failure("The body goes on although nothing is encoded in it any more.")
        return decoded

    def flush(self) -> bytes:
        """Return what is left at the end of the body.

        Raises:
            Exception: The HTTP library's; what is encoded has not ended.
        """
        rest = _joined(self._coding.flush())
        if self._begun and not _has_ended(self._coding):
            raise self.failure("The compressed body ended before its content did.")
        return rest


class SideDecoder:
    """A decoder for who sees the bytes of a body pass on their way to its reader, who gets the errors.

    Args:
        encoding: The content encoding in the head of the answer, if there is one.
        of: The HTTP library.

    Attributes:
        is_readable: Whether what has passed could be decoded.
    """

    def __init__(self, encoding: str | None, of: Library) -> None:
        self.is_readable = True
        self._decoder: Decoder | None = None
        try:
            self._decoder = decoder_of(encoding or "", of)
        except UndecodableError:
            self.is_readable = False

    def decode(self, data: bytes) -> bytes:
        """Decode the next piece; from the first that cannot be decoded on, return them as they are."""
        if self._decoder is None or not self.is_readable:
            return data
        try:
            return self._decoder.decode(data)
        except self._decoder.failure:
            self.is_readable = False
            return data


def decoder_of(encoding: str, of: Library) -> Decoder | None:
    """Return a decoder for a body, `None` where it is not encoded.

    Args:
        encoding: The content encoding in the head of the answer.
        of: The HTTP library, which knows the less usual encodings.

    Raises:
        UndecodableError: It is encoded more than once, so that what grows would grow again, or in a way that cannot be
            decoded here.
    """
    named = [each.strip() for each in encoding.lower().split(",")]
    codings = [coding for coding in named if coding and coding != "identity"]
    if not codings:
        return None
    if len(codings) > 1:
        raise UndecodableError("The answer is encoded more than once, which is not decoded.")
    coding, failure = codings[0], of.http.DecodingError
    if coding in PACKED:
        return Decoder(Unpacker(coding), failure, _OF_PACKED)
    if (other := of.decoder(coding)) is not None:
        return Decoder(other, failure, _OF_OTHERS)
    if coding in _UNREADABLE:
        raise UndecodableError(f"The answer is encoded as {coding}, which cannot be decoded.")
    return None


def limit_decoding(response: "httpx.Response") -> None:
    """Have a response of the HTTP library decode its body in small pieces, so that its size is bounded as it grows.

    Raises:
        APIResponseValidationError: It cannot be decoded here.
    """
    encoding = response.headers.get("content-encoding")
    if encoding is None or hasattr(response, "_content"):
        return
    try:
        decoder = decoder_of(encoding, library_of(response))
    except UndecodableError as wrong:
        raise APIResponseValidationError(response, None, message=str(wrong)) from None
    if decoder is not None:
        response.stream = in_pieces(response.stream, decoder.most)
        decode_by(response, decoder)


def decode_by(response: "httpx.Response", decoder: Decoder) -> None:
    """Have a response of the HTTP library decode its body by a decoder of ours."""
    gives_parts = library_of(response).name != "httpx"
    response._decoder = _InParts(decoder) if gives_parts else decoder  # type: ignore[assignment]


class _InParts:
    """A decoder for an HTTP library whose own ones give parts."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def decode(self, data: bytes) -> tuple[bytes]:
        return (self._decoder.decode(data),)

    def flush(self) -> tuple[bytes]:
        return (self._decoder.flush(),)


def library_of(response: "httpx.Response") -> Library:
    """Return the HTTP library of a response, which may be of a class that an application derived."""
    modules = (cls.__module__.partition(".")[0] for cls in type(response).__mro__)
    return library(next(name for name in modules if name in {"httpx", "httpx2"}))


def _joined(decoded: Any) -> bytes:
    return decoded if isinstance(decoded, bytes) else b"".join(decoded)


def _has_ended(coding: Any) -> bool:
    """Return whether what is encoded has ended, per package; true where one cannot tell."""
    known = getattr(coding, "decompressor", coding)
    for name in ("is_whole", "eof", "is_finished"):
        if (ended := getattr(known, name, None)) is not None:
            return bool(ended() if callable(ended) else ended)
    return True
