"""Replies of a client as responses of an HTTP library."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .._call.call import Call, Reply
from .._exchange.answer import Answer
from .._libraries import httpx

_CODING = b"content-encoding"


def response_of(http: Any, call: Call, reply: Reply, body: Callable[[], Any]) -> "httpx.Response":
    """Return a reply as a response of the HTTP library.

    Args:
        http: The library.
        call: The call that it answers.
        reply: The reply.
        body: Makes the body of one that is read piece by piece.
    """
    answer = reply.answer
    headers = _headers_of(call, answer)
    response: httpx.Response
    if call.is_whole:
        response = http.Response(answer.status_code, content=answer.content, extensions=_facts_of(answer))
        response.headers = http.Headers(headers)
        response.elapsed = timedelta(seconds=answer.seconds or 0.0)
        return response
    if call.stream is not None:
        headers = [pair for pair in headers if pair[0].lower() != _CODING]  # it is decoded for the policies
    return http.Response(  # type: ignore[no-any-return]
        answer.status_code, headers=headers, stream=body(), extensions=_facts_of(answer)
    )


def _headers_of(call: Call, answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = list(answer.raw_headers)
    target = None if call.record is None else call.record.target
    if target is not None:
        headers.append((b"x-ai-client-target", target.encode()))
    return headers


def _facts_of(answer: Answer) -> dict[str, Any]:
    made = answer.made
    if made is not None:
        return {
            name: made.extensions[name]
            for name in ("http_version", "reason_phrase")
            if name in made.extensions
        }
    head = answer._head
    return {"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason}
