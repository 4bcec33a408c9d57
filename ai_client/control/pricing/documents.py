"""Tokens of a file in a prompt: pages of a PDF, texts of office documents, plain text."""

import re
import zipfile
import zlib
from io import BytesIO
from typing import NamedTuple

from ..._call.size import BYTES_PER_TOKEN, WARY_BYTES_PER_TOKEN, Size
from .image_size import Pixels, decoded, encoded_in
from .image_tokens import image_tokens

_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*+(?:=\s*+){0,2}")  # possessive, as a text may be long
_PAGE = re.compile(rb"/Type\s*/Page\b(?![a-z])")
_MOST_PARTS, _MOST_DICTIONARY = 10_000, 400
_PAGE_PIXELS = Pixels(1700, 2200)
"""A page as an image, which is seen beside its text."""
_LIKELY_PAGE_TEXT, _MOST_PAGE_TEXT = 500, 2000
_MOST_INFLATED = 32 * 1024 * 1024


class DocumentSize(NamedTuple):
    """The likely tokens of a file, and the most that it may have."""

    likely: int
    most: int


def document_size(source: object, model: object) -> DocumentSize | None:
    """Return the tokens of a file in a data URL or in base64; `None` where they cannot be known."""
    encoded = encoded_in(source)
    if not encoded:
        return None
    data = decoded(encoded) if _BASE64.fullmatch(encoded) else encoded.encode("utf-8", "replace")
    if b"%PDF-" in data[:1024]:
        return _pdf(data, model)
    if data.startswith(b"PK\x03\x04"):
        return _office(data)
    size = Size()
    size.add_bytes(data)
    return DocumentSize(size.tokens(BYTES_PER_TOKEN), size.tokens(WARY_BYTES_PER_TOKEN))


def _pdf(data: bytes, model: object) -> DocumentSize | None:
    pages = len(_PAGE.findall(data)) + _packed_pages(data)
    if not pages:
        return None
    likely, most = image_tokens(model, _PAGE_PIXELS, "high")
    return DocumentSize(pages * (likely + _LIKELY_PAGE_TEXT), pages * (most + _MOST_PAGE_TEXT))


def _packed_pages(data: bytes) -> int:
    """Count the pages that are described in compressed parts of a PDF."""
    pages, left, at = 0, _MOST_INFLATED, 0
    for _ in range(_MOST_PARTS):
        at = data.find(b"/ObjStm", at) + 1
        begin = data.find(b"stream", at, at + _MOST_DICTIONARY)
        if not at or left <= 0:
            break
        if begin < 0:
            continue
        at = data.find(b"endstream", begin)
        packed = data[begin + len(b"stream") : len(data) if at < 0 else at]
        try:
            inflated = zlib.decompressobj().decompress(packed.removeprefix(b"\r").removeprefix(b"\n"), left)
        except zlib.error:
            inflated = b""
        pages += len(_PAGE.findall(inflated))
        left -= len(inflated)
        if at < 0:
            break
    return pages


def _office(data: bytes) -> DocumentSize | None:
    """Return the tokens of a document in a ZIP file by the size of its XML, which is more than its text."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            size = sum(
                part.file_size for part in archive.infolist() if part.filename.endswith((".xml", ".html"))
            )
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    return DocumentSize(size // (4 * BYTES_PER_TOKEN), size // WARY_BYTES_PER_TOKEN)
