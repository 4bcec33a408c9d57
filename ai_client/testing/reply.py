"""Replies that a test configures: content, status, timing and failures."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypedDict

from ai_client.testing.gate import Gate
from ai_client.testing.recording import Recorded

Headers: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
Piece: TypeAlias = bytes | float | Gate


class ReplyFields(TypedDict, total=False):
    """The fields of `Reply` as keyword arguments."""

    status: int | None
    headers: Headers
    json: Any
    body: bytes | None
    chunks: Iterable[Piece] | None
    content: str | None
    pause: float
    delay: float
    gate: Gate | None
    disconnect: bool
    close_after: int | None
    never: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One answer of the upstream.

    A reply without content (`json`, `body`, `chunks` or an error `status`) modifies the built-in answer: the
    rest of its fields apply to that.

    Attributes:
        status: HTTP status. An error status without content gets a body in the API's error format.
        headers: Added to the default headers; those of the same name are replaced.
        json: Sent as JSON, including `null`.
        body: Sent as it is, with a content length.
        chunks: Sent one after the other as they are; a number is a pause in seconds, a `Gate` is awaited.
        content: The text of the built-in answer.
        pause: Seconds between two chunks.
        delay: Seconds before the head is sent.
        gate: Awaited before the head is sent.
        disconnect: Close the connection without sending anything.
        close_after: Close the connection after this many bytes of the body.
        never: Send nothing until the client disconnects or the upstream stops.
    """

    status: int | None = None
    headers: Headers = ()
    json: Any = ...
    body: bytes | None = None
    chunks: Iterable[Piece] | None = None
    content: str | None = None
    pause: float = 0
    delay: float = 0
    gate: Gate | None = None
    disconnect: bool = False
    close_after: int | None = None
    never: bool = False

    def __post_init__(self) -> None:
        given = [self.json is not ..., self.body is not None, self.chunks is not None]
        if sum(given) > 1:
            raise ValueError("A reply has one content: set only one of `json`, `body` and `chunks`.")
        if self.gate is not None and not isinstance(self.gate, Gate):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                "`gate` must be an ai_client.testing.Gate, which has the interface of threading.Event."
            )

    @property
    def has_content(self) -> bool:
        """Whether the reply is complete without the built-in answer."""
        if self.json is not ... or self.body is not None or self.chunks is not None:
            return True
        return self.status is not None and not _is_success(self.status)

    @property
    def immediate(self) -> bool:
        """Whether the whole answer can be sent at once."""
        waits = self.delay or self.gate is not None or self.never or self.chunks is not None
        return not waits and not self.disconnect and self.close_after is None

    def over(self, answer: "Reply") -> "Reply":
        """Return *answer* with everything but the content of this reply applied to it."""
        return replace(
            answer,
            status=self.status or answer.status,
            headers=merged(answer.headers, self.headers),
            pause=self.pause or answer.pause,
            delay=self.delay,
            gate=self.gate,
            disconnect=self.disconnect,
            close_after=self.close_after,
            never=self.never,
        )

    def payload(self) -> tuple[str, bytes]:
        """Return content type and body of a reply that is not sent in chunks."""
        if self.body is not None:
            return "application/json", self.body
        if self.json is not ...:
            return "application/json", dumps(self.json)
        if self.status is not None and self.status >= 400:  # noqa: PLR2004 -- HTTP: errors start here
            return "application/json", dumps(error_body(self.status))
        return "application/json", b""


Answer: TypeAlias = Reply | Callable[[Recorded], Reply]


_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def dumps(value: Any) -> bytes:
    """Encode a value as the API does: compact JSON in UTF-8."""
    return _ENCODE(value).encode(errors="replace")


def merged(usual: Headers, given: Headers) -> tuple[tuple[str, str], ...]:
    """Return the default headers that *given* does not replace, followed by *given*."""
    usual, given = _pairs(usual), _pairs(given)
    names = {name.lower() for name, _ in given}
    return (*(pair for pair in usual if pair[0].lower() not in names), *given)


def sse(data: Any, *, event: str | None = None) -> bytes:
    """Encode one server-sent event; a string is sent as it is, anything else as JSON."""
    payload = data.encode() if isinstance(data, str) else dumps(data)
    head = f"event: {event}\n".encode() if event else b""
    return b"%bdata: %b\n\n" % (head, payload)


def error_body(
    status: int,
    message: str | None = None,
    *,
    type: str | None = None,  # noqa: A002 -- the API's name
    param: str | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    """Return an error in the API's format, with the API's usual type and code for the status."""
    usual_type, usual_code = _USUAL.get(status, ("invalid_request_error", None))
    if status >= 500:  # noqa: PLR2004 -- HTTP: server errors start here
        usual_type = "server_error"
    return {
        "error": {
            "message": message or f"The upstream was told to answer {status}.",
            "type": type or usual_type,
            "param": param,
            "code": code or usual_code,
        }
    }


_USUAL = {
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
}


def _pairs(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple(headers.items()) if isinstance(headers, Mapping) else tuple(headers)


def _is_success(status: int) -> bool:
    return 200 <= status < 300 and status != 204  # noqa: PLR2004 -- HTTP: 204 has no content
