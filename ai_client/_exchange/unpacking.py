"""Bodies out of gzip and deflate, to the end of all that is encoded in them."""

import zlib
from collections.abc import Iterator
from typing import Protocol

_MAGIC = b"\x1f\x8b"
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
PACKED = frozenset(_WINDOWS)
_MOST_TRIED = 64 * 1024
_RAW = -zlib.MAX_WBITS


def unpacked(body: bytes, coding: str, limit: int) -> bytes | None:
    """Decode a whole body at once, as it usually comes.

    Args:
        body: As it came over the wire.
        coding: Its content encoding.
        limit: The most bytes that it may be decoded to.

    Returns:
        `None` where it is unusual: too large, broken, or encoded in another way than once as gzip or deflate with its
        header. An `Unpacker` finds out what is to be done.
    """
    window = _WINDOWS.get(coding)
    if window is None:
        return None
    decompressor = zlib.decompressobj(window)
    try:
        content = decompressor.decompress(body, limit)
    except zlib.error:
        return None
    is_whole = decompressor.eof and not decompressor.unused_data
    return content if is_whole else None


class _Member(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Unpacker:
    """Decodes a body that is encoded as gzip, of any number of members, or as deflate, with zlib's header or without.

    What follows the last member of gzip, or the end of deflate, and is no further member, is ignored, as browsers do.

    Args:
        coding: `gzip` or `deflate`.
    """

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding == "gzip"
        self._window = _WINDOWS[coding]
        self._member = self._begin()
        self._begun = False
        self._over = False
        self._held = b""  # half of what may begin another member
        self._tried: bytes | None = None if self._is_gzip else b""  # read so far of what may lack its header

    @property
    def is_whole(self) -> bool:
        """Whether the body may end here: it was empty, or its compressed data has ended."""
        return not self._begun or self._over or (self._member.eof and not self._held)

    def decode(self, data: bytes) -> bytes:
        """Decode the next piece.

        Raises:
            zlib.error: It is not encoded so.
        """
        self._begun = self._begun or bool(data)
        return b"".join(self._decoded(data))

    def flush(self) -> bytes:
        """Return what is left at the end: nothing, as every piece is decoded at once."""
        return b""

    def _begin(self) -> _Member:
        return zlib.decompressobj(self._window)

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        while data and not self._over:
            if not self._member.eof:
                yield self._decode(data)
                data = self._member.unused_data
                continue
            data = (self._held + data).lstrip(b"\0")
            self._held = b""
            if data == _MAGIC[:1]:
                self._held, data = data, b""
            elif self._is_gzip and data.startswith(_MAGIC):
                self._member = self._begin()
            else:
                self._over = bool(data)

    def _decode(self, data: bytes) -> bytes:
        if self._tried is None:
            return self._member.decompress(data)
        self._tried += data
        try:
            decoded = self._member.decompress(data)
        except zlib.error:
            tried, self._tried = self._tried, None
            self._member = zlib.decompressobj(_RAW)
            return self._member.decompress(tried)
        if decoded or len(self._tried) > _MOST_TRIED:
            self._tried = None
        return decoded
