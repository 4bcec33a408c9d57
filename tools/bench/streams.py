"""Streams over an in-memory transport: the cost of one typed item."""

from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import openai

import ai_client

from . import payloads
from .measure import Case, Run

URL = "https://bench.test/v1"
ITEMS = 1000


def cases() -> list[Case]:
    """List the cases of this kind."""
    chat: dict[str, Any] = {**payloads.SMALL, "stream": True}
    response: dict[str, Any] = {"model": payloads.MODEL, "input": "Say hello.", "stream": True}
    return [
        _case(
            "chat chunk", payloads.chat_stream(ITEMS), lambda client: client.chat.completions.create(**chat)
        ),
        _case(
            "Responses event",
            payloads.response_stream(ITEMS),
            lambda client: client.responses.create(**response),
        ),
    ]


def _pieces(body: bytes) -> list[bytes]:
    return [body[start : start + 4096] for start in range(0, len(body), 4096)]


def _case(name: str, body: bytes, open_stream: Callable[[Any], Any]) -> Case:
    pieces = _pieces(body)
    headers = {"content-type": "text/event-stream"}
    ours = ai_client.OpenAI(
        api_key="key",
        base_url=URL,
        http_client=httpx.Client(
            transport=httpx.MockTransport(
                lambda _: httpx.Response(200, content=iter(pieces), headers=headers)
            )
        ),
    )
    official = openai.OpenAI(
        api_key="key",
        base_url=URL,
        http_client=httpx2.Client(
            transport=httpx2.MockTransport(
                lambda _: httpx2.Response(200, content=iter(pieces), headers=headers)
            )
        ),
    )

    def repeat(client: Any) -> Run:
        def run(count: int) -> None:
            for _ in range(count // ITEMS):
                items = sum(1 for _ in open_stream(client))
                assert items == ITEMS, items  # noqa: S101 - a benchmark of nothing would be fast

        return run

    return Case(name, ITEMS * 2, {"ours": repeat(ours), "official": repeat(official)}, rounds=5)
