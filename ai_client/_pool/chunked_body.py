"""The chunked framing of a body (RFC 9112, section 7.1), as it usually comes: without extensions and trailers."""

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,20})\r\n")
_LONGEST_SIZE = 22
_SIZE_IS_NEXT, _BREAK_IS_NEXT, _END_IS_NEXT = -1, 0, -2


class ChunkedBody:
    """The reader of one chunked body.

    Attributes:
        is_over: Whether the body has ended.
        is_odd: Whether what comes next is for another reader to judge; see `bridge`.
    """

    __slots__ = ("_left", "is_odd", "is_over")

    def __init__(self) -> None:
        self.is_over = self.is_odd = False
        self._left = _SIZE_IS_NEXT  # or how much is left of the chunk that has begun

    def take(self, data: bytes, parts: list[bytes]) -> bytes:
        """Move to *parts* what *data* has of the body; return what is behind it, odd, or not whole yet."""
        at, size, left = 0, len(data), self._left
        while True:
            if left > 0:
                if at + left > size:
                    if at < size:
                        parts.append(data[at:] if at else data)
                    left -= size - at
                    at = size
                    break
                parts.append(data[at : at + left])
                at += left
                left = _BREAK_IS_NEXT
            if left == _BREAK_IS_NEXT:
                if not data.startswith(b"\r\n", at):
                    self.is_odd = not b"\r\n".startswith(data[at : at + 2])
                    break
                at += 2
                left = _SIZE_IS_NEXT
            if left == _SIZE_IS_NEXT:
                found = _SIZE.match(data, at)
                if found is None:
                    self.is_odd = size - at > _LONGEST_SIZE or data.find(b"\r\n", at) >= 0
                    break
                at = found.end()
                left = int(found[1], 16) or _END_IS_NEXT
            if left == _END_IS_NEXT:
                if data.startswith(b"\r\n", at):
                    at += 2
                    self.is_over = True
                else:
                    self.is_odd = not b"\r\n".startswith(data[at : at + 2])
                break
        self._left = left
        return data[at:] if at else data

    def bridge(self) -> bytes:
        """Return a beginning of a chunked body that leads another reader to where this one stopped."""
        left = self._left
        if left > 0:
            return b"%x\r\n" % left
        return {_SIZE_IS_NEXT: b"", _BREAK_IS_NEXT: b"1\r\nx", _END_IS_NEXT: b"0\r\n"}[left]
