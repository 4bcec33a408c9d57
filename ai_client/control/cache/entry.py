"""A cache entry: status, headers and body chunks of a response, its serialization and its replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from pydantic_core import from_json, to_json

from ..._call.call import Call
from ..._exchange.bounds import limit_decoding, read
from ..._libraries import httpx
from ...errors import APIResponseValidationError
from ..body import make_response
from .keepable import is_keepable

_NOT_KEPT = frozenset(
    {"set-cookie", "connection", "keep-alive", "transfer-encoding", "content-length", "date", "trailer"}
)
_LIMITS = "x-ratelimit-"
_FORM = b"ai-client-2 "
"""Format mark of an entry. Raise it when the rules for what may be kept change, so that older entries miss."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached response.

    Attributes:
        status, headers, url: Of the response, without connection-specific headers and anything that may hold a
            key.
        chunks: Its body; that of a stream in the chunks in which it arrived.
        stored: When it arrived, in seconds since 1970.
        target: The fallback target that served it.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    url: str
    chunks: Sequence[bytes]
    stored: float
    target: str | None

    @classmethod
    def of(
        cls,
        response: "httpx.Response",
        chunks: Sequence[bytes],
        target: str | None,
        now: float,
        *,
        decoded: bool,
    ) -> "Entry":
        """Build an entry from a response; *decoded* means that *chunks* have no content encoding any more."""
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name not in _NOT_KEPT
            and not name.startswith(_LIMITS)
            and not (decoded and name == "content-encoding")
        ]
        url = response.url.copy_with(userinfo=b"", query=None)  # either may hold a key
        return cls(response.status_code, headers, str(url), tuple(chunks), now, target)

    def is_keepable(self, call: Call) -> bool:
        """Return whether the entry may be replayed; for bodies that the caller read chunk by chunk."""
        failures: tuple[type[Exception], ...] = (APIResponseValidationError, *call.io.failures)
        try:
            played = make_response(
                call.io,
                method=call.method,
                url=self.url,
                status=self.status,
                headers=self.headers,
                chunks=self.chunks,
                read=False,
            )
            limit_decoding(played)
            content = read(played)
        except failures:
            return False  # its content encoding is broken
        return is_keepable(call, played.headers.get("content-type", ""), content)

    def to_bytes(self) -> bytes:
        """Serialize the entry: a line with format mark and checksum, a line of JSON, then the body."""
        head = [self.status, list(self.headers), self.url, self.stored, self.target]
        text = b"\n".join((to_json([*head, [len(chunk) for chunk in self.chunks]]), b"".join(self.chunks)))
        return b"%b%08x\n%b" % (_FORM, crc32(text), text)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Entry | None":
        """Parse what `to_bytes` wrote; return `None` where the data is damaged or of another format."""
        mark, _, text = data.partition(b"\n")
        if mark != b"%b%08x" % (_FORM, crc32(text)):
            return None
        head, _, body = text.partition(b"\n")
        status, headers, url, stored, target, sizes = from_json(head)
        chunks: list[bytes] = []
        at = 0
        for size in sizes:
            chunks.append(body[at : at + size])
            at += size
        return cls(status, [(name, value) for name, value in headers], url, chunks, stored, target)

    def response(self, call: Call, how: str) -> "httpx.Response":
        """Return the response to an equal call, marked with the header `x-ai-client-cache: {how}`."""
        marks: list[tuple[str, str]] = [("x-ai-client-cache", how)]
        whole: Any = call.stream is None and not call.unread
        response = make_response(
            call.io,
            method=call.method,
            url=self.url,
            status=self.status,
            headers=[*self.headers, *marks],
            chunks=self.chunks,
            read=whole,
        )
        limit_decoding(response)
        return response
