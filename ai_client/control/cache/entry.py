"""A cache entry: status, headers and body chunks of a response, its serialization and its replay."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter
from pydantic_core import to_json

from ..._call.call import Call
from ..._exchange.answer import Answer
from ..._exchange.decoding import limit_decoding
from ..._libraries import httpx
from ..._models.adapters import adapter_of
from ...errors import APIResponseValidationError
from ..body import make_response
from .keepable import is_keepable
from .key import EntryPlace

_NOT_KEPT = frozenset(
    {"set-cookie", "connection", "keep-alive", "transfer-encoding", "content-length", "date", "trailer"}
)
_LIMITS = "x-ratelimit-"
_FORM = b"ai-client-4 "
"""Format mark of an entry. Raise it when the rules for what may be kept change, so that older entries miss."""
_OK = 200
_LAST_OF_LATIN_1 = 255
_ADDRESS = re.compile(
    r"https?://(\[[0-9a-fA-F:.]+\]|[^\s\x00-\x1f\[\]/:@?#]+)(:\d{1,5})?/[^\s\x00-\x1f\x7f?#]*"
)


class _Head(NamedTuple):
    """The first line of an entry as JSON."""

    headers: list[tuple[str, str]]
    url: str
    stored: float
    target: str | None
    repeated: dict[str, Any]
    marks: dict[str, int]
    sizes: list[Annotated[int, Field(ge=0)]]


@lru_cache
def _heads() -> TypeAdapter[_Head]:
    return adapter_of(_Head)


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached response of status 200.

    Attributes:
        headers, url: Of the response, without connection-specific headers and anything that may hold a key. Bytes that
            are no ASCII are kept as the characters of the same number.
        chunks: Its body; that of a stream in the chunks in which it arrived.
        stored: When it arrived, in seconds since 1970.
        target: The fallback target that served it.
        repeated: Members of the request that were not compared, which the response may repeat.
        marks: How often each mark of it had been invalidated when it was asked for.
    """

    headers: Sequence[tuple[str, str]]
    url: str
    chunks: Sequence[bytes]
    stored: float
    target: str | None
    repeated: Mapping[str, Any] = field(default_factory=dict[str, Any])
    marks: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(
        cls,
        answer: Answer,
        chunks: Sequence[bytes],
        target: str | None,
        now: float,
        place: EntryPlace,
        *,
        decoded: bool,
    ) -> "Entry":
        """Build an entry from an answer; *decoded* means that *chunks* have no content encoding any more."""
        raw = [
            (name.lower().decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers
        ]
        headers = [
            (name, value)
            for name, value in raw
            if name not in _NOT_KEPT
            and not name.startswith(_LIMITS)
            and not (decoded and name == "content-encoding")
        ]
        url = answer.request.url.copy_with(userinfo=b"", query=None)  # either may hold a key
        return cls(headers, str(url), tuple(chunks), now, target, place.repeated, place.marks or {})

    def is_keepable(self, call: Call) -> bool:
        """Return whether the entry may be replayed; for bodies that the caller read chunk by chunk."""
        failures: tuple[type[Exception], ...] = (APIResponseValidationError, *call.io.failures)
        try:
            played = make_response(
                call.io,
                method=call.method,
                url=self.url,
                status=_OK,
                headers=self._raw_headers(),
                chunks=self.chunks,
                read=False,
            )
            limit_decoding(played)
            content = Answer.of(played).read()
        except failures:
            return False  # its content encoding is broken
        return is_keepable(call, played.headers.get("content-type", ""), content)

    def to_bytes(self, key: str) -> bytes:
        """Serialize the entry under a key: a line with format mark and checksum, a line of JSON, then the body."""
        sizes = [len(chunk) for chunk in self.chunks]
        head = [self.headers, self.url, self.stored, self.target, self.repeated, self.marks, sizes]
        text = b"\n".join((to_json(head), b"".join(self.chunks)))
        return b"%b%b\n%b" % (_FORM, _checksum(key, text), text)

    @classmethod
    def from_bytes(cls, key: str, data: object) -> "Entry | None":
        """Parse what `to_bytes` wrote; return `None` for anything else, also where it was written under another key."""
        if not isinstance(data, bytes):
            return None
        mark, _, text = data.partition(b"\n")
        if mark != _FORM + _checksum(key, text):
            return None
        line, _, body = text.partition(b"\n")
        try:
            head = _heads().validate_json(line, strict=True)
        except ValueError:
            return None
        if sum(head.sizes) != len(body) or not math.isfinite(head.stored) or not _ADDRESS.fullmatch(head.url):
            return None
        if any(max(map(ord, name + value), default=0) > _LAST_OF_LATIN_1 for name, value in head.headers):
            return None
        chunks: list[bytes] = []
        at = 0
        for size in head.sizes:
            chunks.append(body[at : at + size])
            at += size
        return cls(head.headers, head.url, chunks, head.stored, head.target, head.repeated, head.marks)

    def response(self, call: Call, how: str, key: str) -> "httpx.Response":
        """Return the response to an equal call, with the headers `x-ai-client-cache: {how}` and `-key`."""
        whole: Any = call.stream is None and not call.unread
        response = make_response(
            call.io,
            method=call.method,
            url=self.url,
            status=_OK,
            headers=[
                *self._raw_headers(),
                (b"x-ai-client-cache", how.encode()),
                (b"x-ai-client-cache-key", key.encode()),
            ],
            chunks=self.chunks,
            read=whole,
        )
        limit_decoding(response)
        return response

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]


def _checksum(key: str, text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16, key=key.encode()[:64]).hexdigest().encode()
