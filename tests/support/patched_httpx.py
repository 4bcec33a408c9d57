"""httpx's transports, patched as tools for tests do it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "mocked"}}],
}
NOWHERE = "http://ai-client.invalid/v1"


class Patched:
    """httpx's transports, patched as pytest-httpx does it.

    Attributes:
        requests: What went through them.
        answer: What answers a request.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(200, json=ANSWER)

        def handle_request(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.answer(request)

        async def handle_async_request(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.answer(request)

        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle_request)
        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async_request)


def text_of(completion: Any) -> str:
    """Return the text of a completion."""
    return str(completion.choices[0].message.content)
