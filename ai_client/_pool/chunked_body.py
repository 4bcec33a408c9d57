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
        while at < size:
            if left == _SIZE_IS_NEXT:
                found = _SIZE.match(data, at)
                if found is None:
                    rest = data[at:]
                    may_be_size = len(rest) <= _LONGEST_SIZE and rest.find(b"\r\n") < 0
                    self.is_odd = not may_be_size and rest != b"\r"
                    break
                at, left = found.end(), int(found[1], 16) or _END_IS_NEXT
            if left > 0 and at < size:
                end = at + left
                parts.append(data[at:end])  # is `data` itself where that is no longer
                if end > size:
                    at, left = size, end - size
                    break
                at, left = end, _BREAK_IS_NEXT
            if left == _BREAK_IS_NEXT:
                if not data.startswith(b"\r\n", at):
                    self.is_odd = data[at:] not in {b"", b"\r"}
                    break
                at, left = at + 2, _SIZE_IS_NEXT
            elif left == _END_IS_NEXT and at < size:
                self.is_over = data.startswith(b"\r\n", at)
                self.is_odd = not self.is_over and data[at:] != b"\r"
                at += 2 if self.is_over else 0
                break
        self._left = left
        return data[at:]

    def bridge(self) -> bytes:
        """Return a beginning of a chunked body that leads another reader to where this one stopped."""
        left = self._left
        if left > 0:
            return b"%x\r\n" % left
        return {_SIZE_IS_NEXT: b"", _BREAK_IS_NEXT: b"1\r\nx", _END_IS_NEXT: b"0\r\n"}[left]
