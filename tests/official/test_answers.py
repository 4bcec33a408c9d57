"""What the official client over ours gets of answers: bodies, headers, streams as they come, and how they end."""

import asyncio
import gzip
import threading
import zlib
from typing import Any

import openai
import pytest

from ai_client import AsyncOpenAI, OpenAI
from ai_client._call.call import StreamEnd
from ai_client.control import Cost
from ai_client.interop import official
from ai_client.testing import Gate, Upstream
from tests.support.invoke import CHAT, KEY, Invoke

MODELS = b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}'
EVENTS = {"content-type": "text/event-stream"}


def event(text: str, **more: Any) -> bytes:
    """Return an event of a chat completion's stream."""
    import json

    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, **more}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: %b\n\n" % json.dumps(data).encode()


DONE = b"data: [DONE]\n\n"
STREAM = [event("Hel"), event("lo"), event("", finish_reason="stop"), DONE]


def texts(invoke: Invoke, stream: Any) -> list[str]:
    """Read a stream to its end."""
    return [item.choices[0].delta.content for item in invoke.collect(stream) if item.choices]


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress), (None, lambda body: body)]
)
def test_raw_answers(invoke: Invoke, upstream: Upstream, coding: str | None, encode: Any) -> None:
    """A raw answer shows its status, all its headers and the body, decoded once, whole or read piece by piece."""
    headers = {"x-own": "1", "x-request-id": "req_1"} | ({"content-encoding": coding} if coding else {})
    upstream.always(body=encode(MODELS), status=203, headers=headers)
    made = official(invoke.client())
    raw = invoke(made.models.with_raw_response.list)
    assert (raw.status_code, raw.content, raw.request_id) == (203, MODELS, "req_1")
    assert raw.headers["x-own"] == "1"
    assert raw.headers.get("content-encoding") == coding
    assert raw.headers["content-length"] == str(len(encode(MODELS)))
    assert raw.parse().data[0].id == "m"
    assert raw.elapsed.total_seconds() >= 0
    assert raw.http_response.http_version == "HTTP/1.1"
    with invoke.within(made.models.with_streaming_response.list()) as streamed:
        assert (streamed.status_code, streamed.headers.get("content-encoding")) == (203, coding)
        assert invoke(streamed.read) == MODELS


def test_binary_answers(invoke: Invoke, upstream: Upstream) -> None:
    """Sound and files are the bytes that were sent, read whole or piece by piece."""
    sound = bytes(range(256)) * 300
    upstream.always(body=sound, headers={"content-type": "audio/mpeg"})
    made = official(invoke.client())
    asked = {"model": "tts-1", "voice": "alloy", "input": "Hello"}
    assert invoke(made.audio.speech.create, **asked).content == sound
    assert invoke(made.files.content, "file-1").read() == sound
    with invoke.within(made.audio.speech.with_streaming_response.create(**asked)) as answer:
        assert b"".join(invoke.collect(answer.iter_bytes(1000))) == sound
    assert upstream.connections_opened == 1


def test_answers_without_a_body(invoke: Invoke, upstream: Upstream) -> None:
    """An answer without a body is one."""
    upstream.always(status=204, body=b"")
    made = official(invoke.client())
    assert invoke(made.delete, "/things/1", cast_to=type(None)) is None
    assert invoke(made.models.with_raw_response.list).status_code == 204


def test_errors_of_the_upstream(invoke: Invoke, upstream: Upstream) -> None:
    """An error is the SDK's of its status, with body, headers and request id, and was retried by the client below."""
    for made in (
        official(invoke.client()),
        official(invoke.client(max_retries=0)).with_options(max_retries=2),
    ):
        upstream.reset()
        upstream.always(
            status=503,
            json={"error": {"message": "Busy", "code": "busy"}},
            headers={"retry-after-ms": "1", "x-request-id": "req_9", "x-should-retry": "true"},
        )
        with pytest.raises(openai.InternalServerError, match="Busy") as caught:
            invoke(made.chat.completions.create, **CHAT)
        assert (caught.value.code, caught.value.request_id, caught.value.status_code) == (
            "busy",
            "req_9",
            503,
        )
        assert caught.value.response.headers["retry-after-ms"] == "1"
        assert len(upstream.requests) == 3


def test_stream_comes_as_it_is_sent(invoke: Invoke, upstream: Upstream) -> None:
    """Each event is there before the next is sent, also while policies watch."""
    for layers in ([], [Cost()]):
        gates = [Gate(), Gate()]
        chunks = [STREAM[0], gates[0], STREAM[1], gates[1], *STREAM[2:]]
        upstream.reply(chunks=chunks, headers=EVENTS)
        stream = invoke(official(invoke.client(layers=layers)).chat.completions.create, **CHAT, stream=True)
        if invoke.sync:
            assert next(stream).choices[0].delta.content == "Hel"
            gates[0].set()
            assert next(stream).choices[0].delta.content == "lo"
            gates[1].set()
        else:
            assert invoke(lambda stream=stream: anext(stream)).choices[0].delta.content == "Hel"
            gates[0].set()
            assert invoke(lambda stream=stream: anext(stream)).choices[0].delta.content == "lo"
            gates[1].set()
        assert texts(invoke, stream) == [""]


def test_streams_leave_their_connection_to_the_next(invoke: Invoke, upstream: Upstream) -> None:
    """A stream that was read to its end mark gives its connection back, and one that is left early closes it."""
    made = official(invoke.client())
    for _ in range(3):
        assert texts(invoke, invoke(made.chat.completions.create, **CHAT, stream=True))
    assert upstream.connections_opened == 1
    upstream.always(chunks=[STREAM[0], Gate()], headers=EVENTS)
    stream = invoke(made.chat.completions.create, **CHAT, stream=True)
    assert invoke.collect(stream, 1)
    invoke(stream.close)
    upstream.wait_for(lambda: upstream.connections_open == 0)
    assert upstream.requests[-1].aborted


def test_cancellation_reaches_the_upstream(upstream: Upstream) -> None:
    """A task that is cancelled while it waits for an answer or an event closes the connection."""

    async def main() -> None:
        async with AsyncOpenAI(api_key=KEY, base_url=upstream.base_url) as client:
            made = official(client)
            upstream.reply(never=True)
            call = asyncio.create_task(made.chat.completions.create(**CHAT))
            await upstream.wait_for_async(lambda: upstream.in_flight == 1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await upstream.wait_for_async(lambda: upstream.connections_open == 0)
            upstream.reply(chunks=[STREAM[0], Gate()], headers=EVENTS)
            stream = await made.chat.completions.create(**CHAT, stream=True)
            await anext(stream)
            reading = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await upstream.wait_for_async(lambda: upstream.connections_open == 0)
            assert (await made.chat.completions.create(**CHAT)).choices

    asyncio.run(main())


@pytest.mark.parametrize("watched", [False, True])
def test_half_a_stream_is_an_error(invoke: Invoke, upstream: Upstream, watched: bool) -> None:
    """A stream that breaks off, or ends in order without its end mark, raises the SDK's error after its events."""
    made = official(invoke.client(layers=[Cost()] if watched else [], max_retries=0))
    for last in ({"close_after": len(STREAM[0] + STREAM[1])}, {}):
        upstream.reply(chunks=STREAM[:2], headers=EVENTS, **last)
        stream = invoke(made.chat.completions.create, **CHAT, stream=True)
        assert [item.choices[0].delta.content for item in invoke.collect(stream, 2)] == ["Hel", "lo"]
        with pytest.raises(openai.APIConnectionError, match=r"broke off|may be cut off"):
            invoke.collect(stream)


def test_error_in_a_stream(invoke: Invoke, upstream: Upstream) -> None:
    """An error that the server sends as an event is the SDK's, and the policies learn that the stream failed."""
    ends: list[StreamEnd] = []

    async def watch(call: Any, proceed: Any) -> Any:
        reply = await proceed(call)

        async def end(how: StreamEnd) -> None:
            ends.append(how)

        reply.on_end.append(end)
        return reply

    made = official(invoke.client(layers=[watch]))
    failure = b'data: {"error": {"message": "Overloaded", "code": "busy"}}\n\n'
    upstream.reply(chunks=[STREAM[0], failure], headers=EVENTS)
    stream = invoke(made.chat.completions.create, **CHAT, stream=True)
    with pytest.raises(openai.APIError, match="Overloaded"):
        invoke.collect(stream)
    upstream.reply(chunks=STREAM, headers=EVENTS)
    invoke.collect(invoke(made.chat.completions.create, **CHAT, stream=True))
    assert [(type(end.error).__name__, end.complete) for end in ends] == [
        ("StreamError", False),
        ("NoneType", True),
    ]


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\r\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_hidden_events(invoke: Invoke, upstream: Upstream, ending: bytes, size: int) -> None:
    """An event that a policy hides is left out, whatever ends its lines and however it is cut; the others stay."""

    async def hide(call: Any, proceed: Any) -> Any:
        reply = await proceed(call)
        reply.on_event.append(lambda data: b"HIDDEN" not in data)
        return reply

    events = [event("a"), b": note\n\n", event("HIDDEN"), event("b"), event("HIDDEN"), *STREAM[2:]]
    body = b"".join(events).replace(b"\n\n", ending)
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    upstream.reply(chunks=chunks, headers=EVENTS)
    made = official(invoke.client(layers=[hide]))
    stream = invoke(made.chat.completions.create, **CHAT, stream=True)
    assert texts(invoke, stream) == ["a", "b", ""]


def test_encoded_streams(invoke: Invoke, upstream: Upstream) -> None:
    """A stream in gzip is decoded once."""
    packed = gzip.compress(b"".join(STREAM))
    upstream.reply(chunks=[packed[:20], packed[20:]], headers={**EVENTS, "content-encoding": "gzip"})
    stream = invoke(official(invoke.client()).chat.completions.create, **CHAT, stream=True)
    assert texts(invoke, stream) == ["Hel", "lo", ""]


def test_no_stream_where_one_was_asked_for(invoke: Invoke, upstream: Upstream) -> None:
    """A streamed call that is answered by JSON is an error of the SDK's, where the bare SDK gives no events."""
    upstream.always(body=MODELS)
    made = official(invoke.client())
    with pytest.raises(openai.APIResponseValidationError, match="Expected a stream"):
        invoke(made.chat.completions.create, **CHAT, stream=True)


def test_streams_of_responses(invoke: Invoke) -> None:
    """A stream of the Responses API ends with its last event, and the helpers of the SDK read it."""
    made = official(invoke.client())
    items = invoke.collect(invoke(made.responses.create, model="m", input="Hello", stream=True))
    assert items[-1].type == "response.completed"
    with invoke.within(made.responses.stream(model="m", input="Hello")) as stream:
        assert invoke.collect(stream)[-1].type == "response.completed"
    with invoke.within(made.chat.completions.stream(**CHAT)) as stream:
        assert invoke(stream.get_final_completion).choices[0].finish_reason == "stop"


def test_structured_outputs_and_pages(invoke: Invoke, upstream: Upstream) -> None:
    """Pages are followed, and structured outputs parsed, by the SDK's own code."""
    first = {"object": "list", "data": [{"id": "a", "object": "file"}], "has_more": True}
    last = {"object": "list", "data": [{"id": "b", "object": "file"}], "has_more": False}
    upstream.reply(json=first)
    upstream.reply(json=last)
    made = official(invoke.client())
    assert [item.id for item in invoke.collect(made.files.list())] == ["a", "b"]
    assert upstream.requests[-1].params["after"] == "a"


def test_sync_clients_in_threads(upstream: Upstream) -> None:
    """One official client serves threads at once, over as many connections as there are calls."""
    with OpenAI(api_key=KEY, base_url=upstream.base_url) as client:
        made: list[Any] = []
        found: list[str | None] = []

        def ask() -> None:
            one = official(client)
            made.append(one)
            found.append(one.chat.completions.create(**CHAT).choices[0].message.content)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, made))) == 1
        assert len(found) == 8
    assert upstream.connections_opened <= 8


def test_streams_of_forms(invoke: Invoke, upstream: Upstream) -> None:
    """A form that asks for a stream, as that of a transcription does, is a streamed call."""
    seen: list[bool] = []

    async def look(call: Any, proceed: Any) -> Any:
        seen.append(call.stream is not None)
        return await proceed(call)

    events = [b'data: {"type": "transcript.text.delta", "delta": "Hel"}\n\n']
    events.append(b'data: {"type": "transcript.text.done", "text": "Hello"}\n\n')
    upstream.always(chunks=events, headers=EVENTS)
    made = official(invoke.client(layers=[look]))
    asked = {"file": ("a.wav", b"RIFF"), "model": "gpt-4o-transcribe", "stream": True}
    found = invoke.collect(invoke(made.audio.transcriptions.create, **asked))
    assert [item.type for item in found] == ["transcript.text.delta", "transcript.text.done"]
    assert seen == [True]
    assert upstream.connections_opened == 1
