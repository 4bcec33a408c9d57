"""A request for a connection and its answer, without the objects of the HTTP library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .._http.library import DEADLINE, FRESH, PHASES, Library
from .._libraries import httpx
from .phases import Phases
from .response_head import Headers, ResponseHead

LENGTH = b"Content-Length"
Origin: TypeAlias = tuple[str, bytes, int | None, str | None]
"""Connections are shared within one: scheme, host, port, and the name asked for in TLS where it is not the host."""
Timeouts: TypeAlias = Mapping[str, float | None]
"""Seconds for `connect`, `write`, `read` and `pool`, the wait for a connection."""


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """A request for a connection.

    Attributes:
        method: The HTTP method.
        origin: Where it goes.
        target: The path and the query.
        given: The headers as they are sent; or, where it is `measured`, those before the length of the body, in a list
            that requests share and nobody changes.
        content: The body: bytes, or what yields its parts once, in the way that the pool waits.
        timeouts: The bounds of its steps.
        deadline: When it must be over, in seconds of `time.monotonic`; `None` is never.
        fresh: Whether it must not use a kept connection.
        measured: Whether the length of the body, which is bytes, is its last header.
        phases: Where its steps are noted, if anybody wants to know.
    """

    method: str
    origin: Origin
    target: bytes
    given: Headers
    content: Any
    timeouts: Timeouts
    deadline: float | None
    fresh: bool = False
    measured: bool = False
    phases: Phases | None = None

    @property
    def headers(self) -> Headers:
        """The headers as they are sent."""
        if self.measured:
            return [*self.given, (LENGTH, b"%d" % len(self.content))]
        return self.given


Arrival: TypeAlias = tuple[ResponseHead, list[bytes], bool]
"""The head of an answer, what has arrived of its body, and whether that is all of it."""
Received: TypeAlias = tuple[ResponseHead, Any, Any]
"""Status and headers of an answer, its body, and what describes the connection.

The body is all of it; or a stream of the HTTP library's, which holds the connection.
"""


def message_of(request: "httpx.Request", library: Library) -> Message:
    """Return a request of the HTTP library as a message."""
    url, extensions = request.url, request.extensions
    content: Any = request.stream
    return Message(
        request.method,
        (url.scheme, url.raw_host, url.port, extensions.get("sni_hostname")),
        url.raw_path,
        request.headers.raw,
        b"".join(content) if isinstance(content, library.http.ByteStream) else content,
        extensions.get("timeout") or {},
        extensions.get(DEADLINE),
        extensions.get(FRESH, False),
        phases=extensions.get(PHASES),
    )


def response_of(answer: Received, library: Library) -> "httpx.Response":
    """Return an answer as a response of the HTTP library, without its request."""
    head, body, network_stream = answer
    response: httpx.Response = library.http.Response(
        head.status_code,
        headers=head.headers,
        stream=library.http.ByteStream(body) if isinstance(body, bytes) else body,
        extensions={
            "http_version": b"HTTP/" + head.http_version,
            "reason_phrase": head.reason,
            "network_stream": network_stream,
        },
    )
    return response
