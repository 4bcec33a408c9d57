"""Width and height of an image, from its header."""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable
from typing import NamedTuple

_FIRST_CHARACTERS = 64 * 1024
"""Characters of base64 that are decoded first; nearly every header is within them."""
_DATA_URL = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)
_HEADER_BYTES = 30
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})
_SCAN = 0xDA
_MOST_SEGMENTS = 10_000
"""Segments and fill bytes before the frame of a JPEG."""


class Pixels(NamedTuple):
    """The size of an image, at least 1 by 1."""

    width: int
    height: int


def pixels_of(source: object) -> Pixels | None:
    """Return the size of an image in a data URL or in plain base64.

    Returns:
        `None` where it is elsewhere, or of a format other than PNG, JPEG, GIF and WebP.
    """
    encoded = encoded_in(source)
    if encoded is None:
        return None
    found = pixels_in(decoded(encoded[:_FIRST_CHARACTERS]))
    if (
        found is None and len(encoded) > _FIRST_CHARACTERS and encoded.startswith("/9j/")
    ):  # a long JPEG header
        found = pixels_in(decoded(encoded))
    return found


def encoded_in(source: object) -> str | None:
    """Return the base64 of a data URL, or of what is plain base64; `None` of an address elsewhere."""
    if not isinstance(source, str):
        return None
    if match := _DATA_URL.match(source):
        return source[match.end() :]
    return None if ":" in source[:100] else source


def decoded(encoded: str) -> bytes:
    """Decode base64, also with white space or without its end; empty where it is none."""
    packed = "".join(encoded.split())
    try:
        return a2b_base64(packed[: len(packed) // 4 * 4])
    except (Error, ValueError):
        return b""


def pixels_in(data: bytes) -> Pixels | None:
    """Return the size of an image by its first bytes, `None` where they do not tell."""
    for magic, read in _FORMATS:
        if data.startswith(magic):
            found = read(data) if len(data) >= _HEADER_BYTES else None
            return found if found is not None and min(found) > 0 else None
    return None


def _png(data: bytes) -> Pixels | None:
    if data[12:16] != b"IHDR":
        return None
    return Pixels(int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))


def _gif(data: bytes) -> Pixels:
    return Pixels(int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little"))


def _webp(data: bytes) -> Pixels | None:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        return Pixels(int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    if kind == b"WEBPVP8L" and data[20] == 0x2F:  # noqa: PLR2004 - the signature of the format
        bits = int.from_bytes(data[21:25], "little")
        return Pixels((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"WEBPVP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return Pixels(width & 0x3FFF, height & 0x3FFF)
    return None


def _jpeg(data: bytes) -> Pixels | None:
    """Return the size in the first frame header; thumbnails lie within segments, which are passed over."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if at + 9 > len(data):
            break
        if data[at] != 0xFF:  # noqa: PLR2004 - begins each marker
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
        elif marker in _START_OF_FRAME:
            return Pixels(int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7]))
        elif marker == _SCAN:
            return None
        else:
            at += 2 if marker in _WITHOUT_LENGTH else 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


_FORMATS: tuple[tuple[bytes, Callable[[bytes], Pixels | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"GIF87a", _gif),
    (b"GIF89a", _gif),
    (b"RIFF", _webp),
)
