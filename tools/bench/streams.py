"""Streams over an in-memory transport: the cost of one typed item."""

import asyncio
from collections.abc import AsyncIterator, Callable
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
    kinds: list[tuple[str, bytes, Callable[[Any], Any]]] = [
        ("chat chunk", payloads.chat_stream(ITEMS), lambda client: client.chat.completions.create(**chat)),
        (
            "Responses event",
            payloads.response_stream(ITEMS),
            lambda client: client.responses.create(**response),
        ),
    ]
    return [case for kind in kinds for case in (_case(*kind), _async_case(*kind))]


def _pieces(body: bytes) -> list[bytes]:
    return [body[start : start + 4096] for start in range(0, len(body), 4096)]


async def _awaited(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _case(name: str, body: bytes, open_stream: Callable[[Any], Any]) -> Case:
    pieces = _pieces(body)
    ours = ai_client.OpenAI(
        api_key="key",
        base_url=URL,
        http_client=httpx.Client(transport=_transport(httpx, lambda: iter(pieces))),
    )
    official = openai.OpenAI(
        api_key="key",
        base_url=URL,
        http_client=httpx2.Client(transport=_transport(httpx2, lambda: iter(pieces))),
    )

    def repeat(client: Any) -> Run:
        def run(count: int) -> None:
            for _ in range(count // ITEMS):
                items = sum(1 for _ in open_stream(client))
                assert items == ITEMS, items  # noqa: S101 - a benchmark of nothing would be fast

        return run

    return Case(name, ITEMS * 2, {"ours": repeat(ours), "official": repeat(official)}, rounds=5)


def _async_case(name: str, body: bytes, open_stream: Callable[[Any], Any]) -> Case:
    pieces = _pieces(body)
    runner = asyncio.Runner()
    ours = ai_client.AsyncOpenAI(
        api_key="key",
        base_url=URL,
        http_client=httpx.AsyncClient(transport=_transport(httpx, lambda: _awaited(pieces))),
    )
    official = openai.AsyncOpenAI(
        api_key="key",
        base_url=URL,
        http_client=httpx2.AsyncClient(transport=_transport(httpx2, lambda: _awaited(pieces))),
    )

    def repeat(client: Any) -> Run:
        async def main(count: int) -> None:
            for _ in range(count // ITEMS):
                items = 0
                async for _ in await open_stream(client):
                    items += 1
                assert items == ITEMS, items  # noqa: S101 - as above

        return lambda count: runner.run(main(count))

    contenders = {"ours": repeat(ours), "official": repeat(official)}
    return Case(f"{name}, awaitable", ITEMS * 2, contenders, rounds=5)


def _transport(library: Any, content: Callable[[], Any]) -> Any:
    headers = {"content-type": "text/event-stream"}
    return library.MockTransport(lambda _: library.Response(200, content=content(), headers=headers))
