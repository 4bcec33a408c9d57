"""Text of answers, even if their declared encoding is unusable."""

import codecs
from functools import lru_cache

from .._libraries import httpx


def make_readable(response: "httpx.Response") -> None:
    """Decode a response's text as UTF-8 if its declared encoding is no text encoding."""
    if "charset" not in response.headers.get("content-type", ""):
        return
    encoding = response.encoding
    if encoding is not None and not _decodes(encoding):
        response.encoding = "utf-8"


def text_of(response: "httpx.Response") -> str:
    """Return the text of an answer that was read."""
    make_readable(response)
    return response.text


@lru_cache(64)
def _decodes(encoding: str) -> bool:
    """Return whether a codec decodes bytes to text; some of Python's (`hex`, `zlib`) do not."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        decoder.decode(bytes(range(256)), final=True)
    except Exception:  # noqa: BLE001 - they fail in as many ways
        return False
    return True
