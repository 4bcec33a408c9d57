"""Bodies that have arrived whole, decoded at once."""

import zlib

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def decoded(body: bytes, coding: str, limit: int) -> bytes | None:
    """Decode a whole body that is encoded.

    Args:
        body: As it came over the wire.
        coding: Its content encoding.
        limit: The most bytes that it may be decoded to.

    Returns:
        `None` where it is unusual: too large, broken, or encoded in another way than once as gzip or deflate with its
        header. Reading it piece by piece finds out what is to be done.
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
