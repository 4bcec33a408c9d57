"""Streams of the Django app in one process, in both kinds of handler."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client
from pytest_django import Settings

from ai_client import current_labels
from ai_client.testing import Upstream
from ai_client_django import EventStreamResponse, get_ai_client, stream_response

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}


@pytest.fixture
def upstream(settings: Settings, ai_client_upstream: Upstream) -> Upstream:
    """Point the setting to an upstream."""
    settings.AI_CLIENT = {"base_url": ai_client_upstream.base_url, "api_key": "k", "max_retries": 0}
    return ai_client_upstream


def from_wsgi(path: str) -> bytes:
    """Read an answer as a WSGI server does."""
    response = Client().get(path)
    assert isinstance(response, EventStreamResponse)
    body = b"".join(response)
    response.close()
    return body


def from_asgi(path: str) -> bytes:
    """Read an answer as an ASGI server does."""

    async def read() -> bytes:
        response = await AsyncClient().get(path)
        assert isinstance(response, EventStreamResponse)
        return b"".join([part async for part in response])

    return asyncio.run(read())


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
@pytest.mark.parametrize("read", [from_wsgi, from_asgi])
def test_any_stream_from_any_handler(upstream: Upstream, read: Any, path: str) -> None:
    """A stream of either client is iterated by either handler, without Django's warning and with one connection."""
    for _ in range(3):
        assert read(path).endswith(b"data: [DONE]\n\n")
    assert upstream.connections_opened == 1


@pytest.mark.parametrize("path", ["/labels/7/", "/labels-async/7/"])
@pytest.mark.parametrize("read", [from_wsgi, from_asgi])
def test_endpoint_while_streaming(read: Any, path: str) -> None:
    """A generator that is read after its view returned has the labels of its request, which end with it."""
    template = path[1:].replace("7", "<int:pk>")
    assert read(path) == f"data: {template}\n\ndata: [DONE]\n\n".encode()
    assert current_labels().endpoint is None


def test_reader_that_stops(upstream: Upstream) -> None:
    """A test that stops reading in the middle closes the stream, also in an event loop."""
    upstream.reply(pause=60)

    async def read() -> None:
        response = await AsyncClient().get("/stream-async/")
        content = aiter(response)
        assert await anext(content)
        response.close()
        await upstream.wait_for_async(lambda: upstream.requests[0].aborted)
        await content.aclose()

    asyncio.run(read())


def test_response_that_is_never_read(upstream: Upstream) -> None:
    """Closing a response that nobody read closes its stream."""
    upstream.reply(pause=60)
    stream_response(get_ai_client().chat.completions.create(**ASK)).close()
    upstream.wait_for(lambda: upstream.requests[0].aborted)


def test_async_response_that_is_never_read() -> None:
    """The same with an async generator, which is closed by a loop."""
    closed: list[str] = []

    class Items:
        def __aiter__(self) -> AsyncIterator[str]:
            return self

        async def __anext__(self) -> str:
            raise StopAsyncIteration

        async def aclose(self) -> None:
            closed.append("closed")

    stream_response(Items()).close()
    assert closed


@pytest.mark.parametrize("read", [list, None])
def test_compressed(read: Any, settings: Settings) -> None:
    """A middleware that wraps the content of streams works with ours in both handlers."""
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]
    headers = {"accept-encoding": "gzip"}

    async def fetch() -> list[bytes]:
        response = await AsyncClient().get("/labels-async/7/", headers=headers)
        assert response.headers["content-encoding"] == "gzip"
        return [part async for part in response]

    if read is None:
        assert asyncio.run(fetch())
    else:
        response = Client().get("/labels/7/", headers=headers)
        assert response.headers["content-encoding"] == "gzip"
        assert read(response)


def test_fault_of_the_application() -> None:
    """An error that is not the client's ends the events and is raised, for the log."""

    def items() -> Iterator[int]:
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        list(stream_response(items()))
