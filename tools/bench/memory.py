"""Calls over an in-memory transport: what a client costs beside the network."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import httpx2
import openai

import ai_client

from . import payloads
from .measure import Case, Run

URL = "https://bench.test/v1"
HEADERS = {"Authorization": "Bearer key"}


def cases() -> list[Case]:
    """List the cases of this kind."""
    plain = payloads.completion()
    tools = payloads.completion(tools=True)
    return [
        _case("small call, in memory, blocking", payloads.SMALL, plain, 300),
        _async_case("small call, in memory, awaitable", payloads.SMALL, plain, 300),
        _case("long request (100 messages, 100 kB), in memory", payloads.LONG, plain, 60),
        _case("tools and tool calls, in memory", payloads.TOOLS, tools, 150),
        _case("completion of 200 kB, 50 choices, in memory", payloads.SMALL, _wide(), 20),
        *_embeddings(),
    ]


def _wide() -> bytes:
    return payloads.completion("word " * 800, choices=50)


def _answer(library: Any, body: bytes) -> Callable[[Any], Any]:
    headers = {"content-type": "application/json", "x-request-id": "req_1"}
    return lambda _: library.Response(200, content=body, headers=headers)


def _transport(library: Any, body: bytes) -> Any:
    return library.MockTransport(_answer(library, body))


def _repeat(call: Callable[[], object]) -> Run:
    def run(calls: int) -> None:
        for _ in range(calls):
            call()

    return run


def _case(name: str, request: dict[str, Any], body: bytes, calls: int) -> Case:
    raw = httpx.Client(transport=_transport(httpx, body), headers=HEADERS)
    raw2 = httpx2.Client(transport=_transport(httpx2, body), headers=HEADERS)
    ours = ai_client.OpenAI(
        api_key="key", base_url=URL, http_client=httpx.Client(transport=_transport(httpx, body))
    )
    official = openai.OpenAI(
        api_key="key", base_url=URL, http_client=httpx2.Client(transport=_transport(httpx2, body))
    )
    path = f"{URL}/chat/completions"
    return Case(
        name,
        calls,
        {
            "httpx": _repeat(lambda: raw.post(path, json=request).json()),
            "httpx2": _repeat(lambda: raw2.post(path, json=request).json()),
            "ours": _repeat(lambda: ours.chat.completions.create(**request)),
            "official": _repeat(lambda: official.chat.completions.create(**request)),
        },
    )


def _async_case(name: str, request: dict[str, Any], body: bytes, calls: int) -> Case:
    runner = asyncio.Runner()
    raw = httpx.AsyncClient(transport=_transport(httpx, body), headers=HEADERS)
    ours = ai_client.AsyncOpenAI(
        api_key="key", base_url=URL, http_client=httpx.AsyncClient(transport=_transport(httpx, body))
    )
    official = openai.AsyncOpenAI(
        api_key="key", base_url=URL, http_client=httpx2.AsyncClient(transport=_transport(httpx2, body))
    )
    path = f"{URL}/chat/completions"

    def repeat(call: Callable[[], Coroutine[Any, Any, Any]]) -> Run:
        async def main(calls: int) -> None:
            for _ in range(calls):
                await call()

        return lambda calls: runner.run(main(calls))

    async def post() -> object:
        return (await raw.post(path, json=request)).json()

    return Case(
        name,
        calls,
        {
            "httpx": repeat(post),
            "ours": repeat(lambda: ours.chat.completions.create(**request)),
            "official": repeat(lambda: official.chat.completions.create(**request)),
        },
    )


def _embeddings() -> list[Case]:
    found: list[Case] = []
    for name, encoded, options in (
        ("embeddings 256 x 1536 as floats", False, {"encoding_format": "float"}),
        ("embeddings 256 x 1536 in base64, to lists", True, {}),
    ):
        body = payloads.embeddings(encoded=encoded)
        raw = httpx.Client(transport=_transport(httpx, body), headers=HEADERS)
        ours = ai_client.OpenAI(
            api_key="key", base_url=URL, http_client=httpx.Client(transport=_transport(httpx, body))
        )
        official = openai.OpenAI(
            api_key="key", base_url=URL, http_client=httpx2.Client(transport=_transport(httpx2, body))
        )
        request: dict[str, Any] = {"model": payloads.MODEL, "input": ["x"] * 256, **options}
        contenders: dict[str, Run] = {
            "httpx": _repeat(
                lambda raw=raw, r=request: json.loads(raw.post(f"{URL}/embeddings", json=r).content)
            ),
            "ours": _repeat(lambda c=ours, r=request: c.embeddings.create(**r)),
            "official": _repeat(lambda c=official, r=request: c.embeddings.create(**r)),
        }
        found.append(Case(name, 2, contenders, rounds=5))
    return found
