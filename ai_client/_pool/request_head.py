"""The head of a request whose body is in memory: validated once for all requests that only differ in the body."""

import re

from .response_head import Headers

_TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_VISIBLE = rb"[^\x00\s]+"
# A line break comes behind each part, and no valid part contains one: with as many breaks as parts, none hides in a
# value to make another header of its rest.
_VALID = re.compile(rb"%b\n[!-~]+\n(?:%b\n(?:%b(?:[ \t]+%b)*)?\n)+" % (_TOKEN, _TOKEN, _VISIBLE, _VISIBLE))
_LENGTH = b"content-length"
_NEVER_USUAL = frozenset({b"transfer-encoding", b"upgrade", b"expect"})


class RequestHead:
    """Method, target and headers of a request, whose length may change.

    Attributes:
        shared: A list that requests with this head share, with all their headers but the length behind them.
        is_usual: Whether the head is valid, frames its body by its length, if at all, and lets the connection stay
            open. Any other is for h11 to write or to reject.
    """

    __slots__ = (
        "_after",
        "_before",
        "_end",
        "_name",
        "_place",
        "_start",
        "is_usual",
        "method",
        "shared",
        "target",
    )

    def __init__(self, method: str, target: bytes, headers: Headers) -> None:
        self.shared: Headers | None = None
        self.method = method
        self.target = target
        self._start = self._end = b""
        names = [name.lower() for name, _ in headers]
        self._place = place = names.index(_LENGTH) if _LENGTH in names else len(names)
        self._before, self._after = headers[:place], headers[place + 1 :]
        self._name = headers[place][0] if place < len(headers) else None  # of the length
        self.is_usual = (
            names.count(b"host") == 1
            and names.count(_LENGTH) <= 1
            and _NEVER_USUAL.isdisjoint(names)
            and all(
                value.lower() == b"keep-alive" for name, value in headers if name.lower() == b"connection"
            )
            and method != "CONNECT"
            and method.isascii()
            and self._is_valid(headers)
        )
        if self.is_usual:
            self._write(headers, names.index(b"host"))

    def _is_valid(self, headers: Headers) -> bool:
        parts = [self.method.encode("ascii"), self.target]
        for pair in headers:
            parts += pair
        text = b"\n".join([*parts, b""])
        return text.count(b"\n") == len(parts) and _VALID.fullmatch(text) is not None

    def _write(self, headers: Headers, host: int) -> None:
        """Write what comes before the number of the length, and what comes after it; the host is the first header."""
        place = self._place
        lines = [b"%b: %b\r\n" % pair for pair in headers]
        if self._name is not None:
            lines[place] = b"%b: " % self._name
        order = [host, *(at for at in range(len(lines)) if at != host)]
        before = len(order) if self._name is None else order.index(place) + 1
        line = b"%b %b HTTP/1.1\r\n" % (self.method.encode("ascii"), self.target)
        self._start = b"".join([line, *(lines[at] for at in order[:before])])
        rest = [lines[at] for at in order[before:]]
        self._end = b"".join([*rest, b"\r\n"] if self._name is None else [b"\r\n", *rest, b"\r\n"])

    def is_of(self, method: str, target: bytes, headers: Headers) -> bool:
        """Return whether a request has this head, whatever its length."""
        place = self._place
        return (
            target == self.target
            and headers[:place] == self._before
            and headers[place + 1 :] == self._after
            and (headers[place][0] if len(headers) > place else None) == self._name
            and method == self.method
        )

    def written(self, headers: Headers | None, size: int) -> bytes | None:
        """Return a usual head for a body of that size, unless that is not the length that *headers*, if any, tell."""
        if self._name is None:
            return self._start + self._end if size == 0 else None
        length = b"%d" % size
        if headers is None or headers[self._place][1] == length:
            return b"%b%b%b" % (self._start, length, self._end)
        return None

    def headers(self, size: int) -> Headers:
        """Return the headers for a body of that size."""
        length = [] if self._name is None else [(self._name, b"%d" % size)]
        return [*self._before, *length, *self._after]
