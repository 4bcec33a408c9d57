"""HTTP/1.1 on one connection for usual requests and answers; everything else goes to h11, as the same bytes."""

import re
from typing import Any

from .._http.library import Library
from .chunked_body import ChunkedBody
from .h11_wire import H11Wire
from .request_head import RequestHead
from .response_head import Headers, ResponseHead

# What h11 takes for a final answer of HTTP/1.1 whose lines end with CR LF. No alternative is tried where it fails.
_HEAD = re.compile(
    r"HTTP/1\.1 ([2-9][0-9]{2})(?: ([^\x00\r\n\x0b\x0c]*+))?"
    r"((?:\r\n[-!#$%&'*+.^_`|~0-9A-Za-z]++:[^\x00\r\n\x0b\x0c]*+)*+)"
)
_BEGINNING = b"HTTP/1.1 "
_LONGEST_WAIT = 16 * 1024  # for the rest of a head, after which h11 waits on, up to its bound
_LONGEST_NUMBER = 18
_WITHOUT_BODY = frozenset({204, 304})
_CONNECTION, _LENGTH, _CODING = "\r\nconnection:", "\r\ncontent-length:", "\r\ntransfer-encoding:"


class UsualWire:
    """A `Wire` that does the usual by itself: a request in memory, and an answer with a length or in chunks."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_errors",
        "_has_ended",
        "_is_cut",
        "_left",
        "_library",
        "_method",
        "_other",
        "_size",
    )

    def __init__(self, library: Library) -> None:
        self._library = library
        self._errors: Any = library.http
        self._other: H11Wire | None = None
        self._method = ""
        self._renewed()

    def _renewed(self) -> None:
        self._buffer = b""
        self._chunks: ChunkedBody | None = None
        self._size = self._left = -1  # of the body, once there is a head
        self._is_cut = self._has_ended = False

    # The request.

    def begin(self, head: RequestHead, headers: Headers | None, body: bytes) -> tuple[bytes, bytes]:
        """Begin an exchange with the whole of a request; return its head and its body, framed for the wire."""
        if self._other is None and head.is_usual:
            written = head.written(headers, len(body))
            if written is not None:
                self._method = head.method
                return written, body
        return self._h11().begin(head, headers, body)

    def _h11(self) -> H11Wire:
        if self._other is None:
            self._other = H11Wire(self._library)
        return self._other

    def head(self, method: str, target: bytes, headers: Headers) -> bytes:
        """Begin an exchange; return the head of its request."""
        return self._h11().head(method, target, headers)

    def body(self, chunk: bytes) -> bytes:
        """Return a part of the request's body, framed for the wire."""
        return self._h11().body(chunk)

    def end(self) -> bytes:
        """Return the bytes that end the request's body, often none."""
        return self._h11().end()

    # The response.

    def feed(self, data: bytes) -> None:
        """Take what the server sent; nothing means that it closed its side."""
        if self._other is not None:
            self._other.feed(data)
        elif data:
            self._buffer = self._buffer + data if self._buffer else data
        elif self._size < 0 and self._chunks is None:
            self._yield().feed(data)
        else:
            self._has_ended = True

    def response(self) -> ResponseHead | None:
        """Return the head of the response, or `None` while more bytes are needed."""
        if self._other is not None:
            return self._other.response()
        text, end, body = self._buffer.partition(b"\r\n\r\n")
        found = _HEAD.fullmatch(text.decode("latin-1")) if end else None
        if found is None:
            return None if _may_go_on(self._buffer) else self._yield().response()
        status, reason, fields = found.groups("")
        head = ResponseHead(int(status), reason.encode("latin-1"), b"1.1", fields)
        if not self._frame(head):
            return self._yield().response()
        self._buffer = body
        return head

    def _frame(self, head: ResponseHead) -> bool:
        """Note how the body is framed; return whether that is usual."""
        lower = head.lower
        if _CONNECTION in lower and _only(lower, _CONNECTION) != "keep-alive":
            return False
        length, size = _only(lower, _LENGTH), 0
        if length is None:
            if head.value("transfer-encoding") != "chunked":
                return False
        elif _CODING in lower or not length.isdecimal() or len(length) > _LONGEST_NUMBER:
            return False
        else:
            size = int(length)
        if head.status_code in _WITHOUT_BODY or self._method == "HEAD":
            size = 0
        elif length is None:
            self._chunks = ChunkedBody()
        self._size = self._left = size
        return True

    def drain(self, parts: list[bytes]) -> bool:
        """Move the received parts of the body to *parts*; return whether the body is complete."""
        if self._other is not None:
            return self._other.drain(parts)
        data = self._buffer
        if self._chunks is not None:
            self._buffer = self._chunks.take(data, parts)
            if self._chunks.is_odd or (self._has_ended and not self._chunks.is_over):
                return self._yield().drain(parts)
            return self._chunks.is_over
        left = self._left
        if left and data:
            here = data[:left]  # is `data` itself where that is no longer
            parts.append(here)
            self._buffer = data[left:]
            self._left = left = left - len(here)
        if left and self._has_ended:
            raise self._errors.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {self._size - left} bytes, expected {self._size})"
            )
        return not left

    def _yield(self) -> H11Wire:
        """Have h11 go on from here."""
        other = self._h11()
        other.head(self._method, b"/", [(b"Host", b"h")])
        other.end()
        if self._chunks is not None:
            other.feed(b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n" + self._chunks.bridge())
            other.response()
            other.drain([])
        if self._buffer:
            other.feed(self._buffer)
        if self._has_ended:
            other.feed(b"")
        if self._is_cut:
            other.cut()
        return other

    def cut(self) -> None:
        """Note that the connection is good for no other exchange, as where the rest of the request is not sent."""
        self._is_cut = True
        if self._other is not None:
            self._other.cut()

    def renew(self) -> bool:
        """Get ready for another exchange; return whether the connection is good for one."""
        if self._other is not None:
            is_good = self._other.renew()
        else:
            is_over = self._left == 0 if self._chunks is None else self._chunks.is_over
            is_good = is_over and not (self._buffer or self._is_cut or self._has_ended)
        if is_good:
            self._other = None
            self._renewed()
        return is_good


def _only(lower: str, name: str) -> str | None:
    """Return the value of a name in lines in lower case, `None` where it is not there; empty where it is twice."""
    _, found, rest = lower.partition(name)
    if not found:
        return None
    return "" if name in rest else rest.partition("\r\n")[0].strip(" \t")


def _may_go_on(data: bytes) -> bool:
    """Return whether the rest of a usual head may be still to come."""
    is_begun = _BEGINNING.startswith(data[: len(_BEGINNING)])
    return is_begun and len(data) <= _LONGEST_WAIT and b"\n\n" not in data and b"\n\r\n" not in data
