"""An answer as it is kept: status, headers, chunks, and how to play it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from pydantic_core import from_json, to_json

from ..._call.call import Call
from ..._exchange.bounds import limit_decoding, read
from ...errors import APIResponseValidationError
from ..body import make_response
from .keepable import is_keepable

if TYPE_CHECKING:
    import httpx

_NOT_KEPT = frozenset(
    {"set-cookie", "connection", "keep-alive", "transfer-encoding", "content-length", "date", "trailer"}
)
_LIMITS = "x-ratelimit-"
_FORM = b"ai-client-2 "
"""What an entry begins with; to be raised where what may be kept has changed, so that no older answers are given."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept answer.

    Attributes:
        status, headers, url: Of the answer, without what belonged to its connection or may hold a key.
        chunks: Its body; of a stream, in the pieces in which it came.
        stored: When it came, in seconds since 1970.
        target: What served it.
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
        """Take an answer apart; *decoded* says that the chunks are no longer in its content encoding."""
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
        """Tell whether it may be given again, as a body that its caller read by pieces."""
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
            return False  # it cannot be decoded
        return is_keepable(call, played.headers.get("content-type", ""), content)

    def to_bytes(self) -> bytes:
        """Write it down: a line with the form and a checksum, a line of JSON, then the body."""
        head = [self.status, list(self.headers), self.url, self.stored, self.target]
        text = b"\n".join((to_json([*head, [len(chunk) for chunk in self.chunks]]), b"".join(self.chunks)))
        return b"%b%08x\n%b" % (_FORM, crc32(text), text)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Entry | None":
        """Read what `to_bytes` wrote; `None` where it is something else, as an entry of another form, or damaged."""
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
        """Play the answer again, for a call that is equal to the one that it was given to."""
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
