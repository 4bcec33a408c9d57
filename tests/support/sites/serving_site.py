"""Two bare applications over one provider, for the tests of its life under real servers."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ai_client import ClientProvider, OpenAIError
from ai_client.web import encode_event, http_error

QUESTION: dict[str, Any] = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello"}]}

provider = ClientProvider()


async def ask() -> str | None:
    """Make a call with the async client."""
    completion = await provider.async_client.chat.completions.create(**QUESTION)
    return completion.choices[0].message.content


if os.environ.get("USED_BEFORE_FORK"):
    provider.client.chat.completions.create(**QUESTION)
    asyncio.run(ask())


def answer(text: str | None) -> bytes:
    """Encode an answer with the process that gave it."""
    return json.dumps({"text": text, "process": os.getpid()}).encode()


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve `/ask` and `/stream` with the async client."""
    if scope["type"] == "lifespan":
        await receive()
        provider.start()
        provider.adopt_loop()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await provider.aclose()
        await send({"type": "lifespan.shutdown.complete"})
        return

    async def start(status: int) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def body(part: bytes, *, more: bool) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": more})

    try:
        if scope["path"] == "/stream":
            stream = await provider.async_client.chat.completions.create(**QUESTION, stream=True)
            await start(200)
            try:
                async for item in stream:
                    await body(encode_event(item), more=True)
            except OpenAIError as error:
                await body(encode_event(error), more=True)
            await body(b"", more=False)
            return
        text = await ask()
    except OpenAIError as error:
        shown = http_error(error)
        assert shown is not None
        await start(shown.status)
        await body(json.dumps(shown.body).encode(), more=False)
    else:
        await start(200)
        await body(answer(text), more=False)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve `/ask` and `/stream` with the sync client, `/awaited` with the other in a loop of its own."""
    try:
        if environ["PATH_INFO"] == "/stream":
            stream = provider.client.chat.completions.create(**QUESTION, stream=True)
            start_response("200 OK", [])
            return events(stream)
        if environ["PATH_INFO"] == "/awaited":
            text = asyncio.run(ask())
            start_response("200 OK", [])
            return [answer(text)]
        completion = provider.client.chat.completions.create(**QUESTION)
    except OpenAIError as error:
        shown = http_error(error)
        assert shown is not None
        start_response(f"{shown.status} No", [])
        return [json.dumps(shown.body).encode()]
    start_response("200 OK", [])
    return [answer(completion.choices[0].message.content)]


def events(stream: Any) -> Iterator[bytes]:
    """Pass a stream on, and its error."""
    try:
        for item in stream:
            yield encode_event(item)
    except OpenAIError as error:
        yield encode_event(error)
