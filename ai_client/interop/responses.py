"""Replies of a client as responses of an HTTP library."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .._call.call import Call, Reply
from .._exchange.answer import Answer
from .._libraries import httpx

Pairs = list[tuple[bytes, bytes]]


def response_of(http: Any, kind: Any, call: Call, reply: Reply, body: Callable[[], Any]) -> "httpx.Response":
    """Return a reply as a response of the HTTP library.

    Args:
        http: The library.
        kind: The class of the response, which is the library's or derived from it.
        call: The call that it answers.
        reply: The reply.
        body: Makes the body of one that is read piece by piece.
    """
    answer = reply.answer
    headers = list(answer.raw_headers)
    target = None if call.record is None else call.record.target
    if target is not None:
        headers.append((b"x-ai-client-target", target.encode()))
    if call.is_whole:
        response = whole(http, answer.status_code, headers, answer.content, answer.status_line, kind)
        response.elapsed = _elapsed_of(answer)
        return response
    if call.stream is not None:  # its events are decoded
        headers = [pair for pair in headers if pair[0].lower() != b"content-encoding"]
    streamed: httpx.Response = kind(
        answer.status_code, headers=headers, stream=body(), extensions=answer.status_line
    )
    return streamed


def _elapsed_of(answer: Answer) -> timedelta:
    made = answer.made
    if made is None:
        return timedelta(seconds=answer.seconds or 0.0)
    try:
        return made.elapsed
    except RuntimeError:  # a policy made it, and it took no time
        return timedelta()


def whole(  # noqa: PLR0917 - the parts of a response
    http: Any, status: int, headers: Pairs, content: bytes, extensions: dict[str, Any], kind: Any = None
) -> "httpx.Response":
    """Return a response whose body is read and decoded, though its headers are those of the encoded one."""
    response: httpx.Response = (kind or http.Response)(status, content=content, extensions=extensions)
    response.headers = http.Headers(headers)
    return response


def twin_of(http: Any, response: "httpx.Response", request: "httpx.Request") -> "httpx.Response":
    """Return a response of another library, whose body was read, as one of this library."""
    content: bytes = getattr(response, "_content", b"")
    twin = whole(http, response.status_code, list(response.headers.raw), content, {})
    twin.request = request
    return twin
