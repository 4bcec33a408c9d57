"""Tests of streams as responses, inside the test's process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Message

from ai_client import AsyncOpenAI
from ai_client.testing import Upstream, sse
from ai_client_fastapi import (
    AIClientDep,
    ReaderLeftError,
    ai_client_lifespan,
    cancel_on_disconnect,
    stream_response,
)

ASK: dict[str, Any] = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello?"}]}
CHUNK = {"id": "1", "created": 1, "model": "m", "object": "chat.completion.chunk"}


def serve(response: Response) -> TestClient:
    """Give a client of an application that gives this one response."""
    app = FastAPI()

    @app.get("/")
    async def answer() -> Response:
        return response

    return TestClient(app)


def streaming_app(upstream: Upstream) -> FastAPI:
    """Make an application that streams what the upstream says."""
    app = FastAPI(
        lifespan=ai_client_lifespan({"base_url": upstream.base_url, "api_key": "any", "max_retries": 0})
    )

    @app.get("/")
    async def answer(client: AIClientDep) -> Response:
        stream = client.chat.completions.create(**ASK, stream=True)
        return stream_response(stream, transform=lambda chunk: chunk.choices[0].delta.content)

    return app


class Events:
    """An asynchronous iterator that notes whether it was closed."""

    def __init__(self, *events: object) -> None:
        self._events = iter(events)
        self.closed = False

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> object:
        event = next(self._events, None)
        if event is None:
            raise StopAsyncIteration
        if isinstance(event, Exception):
            raise event
        return event

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True


def test_transform() -> None:
    """What is sent of an item is for the application to say, and `None` sends nothing."""
    events = Events({"word": "one"}, {"other": 1}, {"word": "two"})
    answer = serve(stream_response(events, transform=lambda item: item.get("word"))).get("/")
    assert answer.text == "data: one\n\ndata: two\n\ndata: [DONE]\n\n"


def test_transformed_chunks() -> None:
    """The words of a chat can be sent without the frame around them."""
    with Upstream() as upstream, TestClient(streaming_app(upstream)) as http:
        upstream.reply(content="Hello there")
        assert http.get("/").text.endswith("data: Hello\n\ndata:  there\n\ndata: [DONE]\n\n")


def test_status_and_headers() -> None:
    """Status and further headers are the application's, the usual headers stay."""
    answer = serve(stream_response(Events("one"), status_code=203, headers={"x-extra": "1"})).get("/")
    assert answer.status_code == 203
    assert answer.headers["x-extra"] == "1"
    assert answer.headers["x-accel-buffering"] == "no"


def test_sync_iterable() -> None:
    """An iterable that blocks is read in the thread pool, and closed."""
    closed: list[bool] = []

    def words() -> Iterator[str]:
        try:
            yield from ("one", "two")
        finally:
            closed.append(True)

    assert serve(stream_response(words())).get("/").text == "data: one\n\ndata: two\n\ndata: [DONE]\n\n"
    assert closed == [True]


def test_closed_at_the_end() -> None:
    """A stream that was read to its end is closed."""
    events = Events("one")
    serve(stream_response(events)).get("/")
    assert events.closed


def test_upstream_fails_in_the_middle() -> None:
    """An upstream that breaks off in the middle ends the answer with an event that says so."""
    item = sse({**CHUNK, "choices": [{"index": 0, "delta": {"content": "one"}}]})
    with Upstream() as upstream, TestClient(streaming_app(upstream)) as http:
        upstream.reply(
            chunks=[item, 0.1], headers={"content-type": "text/event-stream"}, close_after=len(item)
        )
        first, error, end = http.get("/").text.split("\n\n")
    assert first == "data: one"
    assert error.startswith('event: error\ndata: {"error":{"type":"connection_error"')
    assert end == ""


def test_application_fails_in_the_middle() -> None:
    """A fault of the application ends the answer with an event without detail, and reaches the server's log."""
    events = Events("one", KeyError("a detail"))
    http = TestClient(serve(stream_response(events)).app, raise_server_exceptions=False)
    text = http.get("/").text
    assert text.startswith("data: one\n\nevent: error\n")
    assert "a detail" not in text
    assert events.closed
    with pytest.raises(KeyError, match="a detail"):
        serve(stream_response(Events(KeyError("a detail")))).get("/")


def test_background_task() -> None:
    """A background task runs after the stream."""
    events = Events("one")
    seen: list[bool] = []
    task = BackgroundTask(lambda: seen.append(events.closed))
    serve(stream_response(events, background=task)).get("/")
    assert seen == [True]


async def leave() -> Message:
    """Say that the reader has left."""
    return {"type": "http.disconnect"}


def test_background_task_after_an_early_end() -> None:
    """A background task runs also where the reader left in the middle of the stream."""
    started = asyncio.Event()
    seen: list[bool] = []

    async def endless() -> AsyncIterator[str]:
        started.set()
        while True:
            yield "more"

    async def left_later() -> Message:
        await started.wait()
        return await leave()

    async def send(_message: Message) -> None:
        """Take what is sent."""

    response = stream_response(endless(), background=BackgroundTask(lambda: seen.append(True)))
    asyncio.run(response({"type": "http"}, left_later, send))  # type: ignore[arg-type]
    assert seen == [True]


def test_send_that_fails_is_a_reader_who_left() -> None:
    """A server that raises `OSError` for a reader who left ends the stream quietly."""
    events = Events("one", "two")

    async def send(message: Message) -> None:
        if message.get("body"):
            raise OSError

    asyncio.run(stream_response(events)({"type": "http"}, stay, send))  # type: ignore[arg-type]
    assert events.closed


def request(receive: Any) -> Request:
    """Make a request without a body."""
    return Request({"type": "http", "method": "GET", "headers": []}, receive)


def test_reader_left_before_the_answer() -> None:
    """A reader who left is an HTTP exception of status 499, and what Starlette raises in such a case."""
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    with pytest.raises(ReaderLeftError) as raised:
        asyncio.run(cancel_on_disconnect(request(receive), asyncio.sleep(3600)))
    assert raised.value.status_code == 499
    assert isinstance(raised.value, ClientDisconnect)


async def stay() -> Message:
    """Say nothing, as a server does while the reader stays."""
    await asyncio.Event().wait()
    raise AssertionError


def staying() -> Request:
    """Make a request without a body whose reader stays."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await stay()

    return request(receive)


def test_work_is_done_before_the_reader_leaves() -> None:
    """A result, or an error, comes through where the reader stays."""

    async def fail() -> None:
        raise KeyError

    assert asyncio.run(cancel_on_disconnect(staying(), asyncio.sleep(0, "done"))) == "done"
    with pytest.raises(KeyError):
        asyncio.run(cancel_on_disconnect(staying(), fail()))


def test_cancelled_from_outside() -> None:
    """Who waits with `cancel_on_disconnect` can be cancelled, and the call is cancelled with it."""
    events: list[str] = []

    async def work(started: asyncio.Event) -> None:
        try:
            started.set()
            await stay()
        finally:
            events.append("ended")

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(cancel_on_disconnect(staying(), work(started)))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        events.append("cancelled")

    asyncio.run(main())
    assert events == ["ended", "cancelled"]


async def first_part(app: Any) -> bytes:
    """Ask an application for a compressed answer, and return the first part of its body."""
    sent: list[bytes] = []
    arrived = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])
            arrived.set()

    headers = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    serving = asyncio.ensure_future(app(scope, stay, send))
    waiting = asyncio.ensure_future(arrived.wait())
    await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    for task in (serving, waiting):
        task.cancel()
    await asyncio.wait((serving, waiting))
    return sent[0]


def test_compression_holds_no_event_back() -> None:
    """Each event passes the GZip middleware as it comes, in every version of Starlette."""

    async def words() -> AsyncIterator[str]:
        yield "one"
        await stay()

    async def answer(_request: Request) -> Response:
        return stream_response(words())

    app = GZipMiddleware(Starlette(routes=[Route("/", answer)]))
    assert asyncio.run(first_part(app)) == b"data: one\n\n"


async def opened(events: Events) -> Events:
    """Return a stream."""
    return events


async def streams_of(client: AsyncOpenAI) -> list[Any]:
    """Return what `stream_response` takes: a call, a task that has begun, one that is done, and a stream."""
    done = asyncio.ensure_future(opened(Events("one")))
    await done
    call = client.chat.completions.create(**ASK, stream=True)
    return [call, asyncio.ensure_future(asyncio.Event().wait()), done, Events("one"), iter(["one"])]


def test_head_makes_no_call() -> None:
    """A HEAD request gets the head of the stream, for which no call is made; what is open already is closed."""

    async def main(url: str) -> None:
        async with AsyncOpenAI(api_key="any", base_url=url) as client:
            given = await streams_of(client)
            for stream in given:
                sent: list[Message] = []

                async def send(message: Message, sent: list[Message] = sent) -> None:
                    sent.append(message)

                seen: list[bool] = []
                response = stream_response(
                    stream, background=BackgroundTask(lambda seen=seen: seen.append(True))
                )
                await response({"type": "http", "method": "HEAD"}, stay, send)
                assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
                assert (b"content-type", b"text/event-stream; charset=utf-8") in sent[0]["headers"]
                assert not sent[1]["body"]
                assert not sent[1]["more_body"]
                assert seen == [True]
            with pytest.raises(asyncio.CancelledError):
                await given[1]
            assert given[2].result().closed
            assert given[3].closed

    with Upstream() as upstream:
        asyncio.run(main(upstream.base_url))
        assert not upstream.requests
