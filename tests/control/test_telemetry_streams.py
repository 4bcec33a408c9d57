"""Spans of streams: what they say of the answer, when they end, and where they are current."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

from ai_client import APIError, AsyncOpenAI, StreamInterruptedError
from ai_client.control import Hooks, Redaction
from ai_client.testing import Gate, Upstream, sse
from tests.support.collector import Collector
from tests.support.invoke import CHAT, KEY, Invoke
from tests.support.response_scripts import response

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-2"}
TEXT_HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m-2"}
PER_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"


def chunk(index: int = 0, reason: str | None = None, **more: Any) -> bytes:
    """Return an event of a streamed chat."""
    choice = {"index": index, "delta": {"content": "x"}, "finish_reason": reason}
    return sse({**HEAD, "choices": [choice], **more})


def text_chunk(reason: str | None = None) -> bytes:
    """Return an event of a streamed completion."""
    return sse(
        {**TEXT_HEAD, "choices": [{"index": 0, "text": "x", "finish_reason": reason, "logprobs": None}]}
    )


def response_events(last: str, **more: Any) -> list[bytes]:
    """Return the events of a streamed response that ends with *last*."""
    events = [
        {"type": "response.created", "sequence_number": 0, "response": response(status="in_progress")},
        {"type": f"response.{last}", "sequence_number": 1, "response": response(status=last, **more)},
    ]
    return [sse(one, event=str(one["type"])) for one in events]


DONE = sse("[DONE]")


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (("chat", [chunk(), chunk(0, "length"), DONE]), ("chatcmpl-1", "m-2", ("length",))),
        (
            ("chat", [chunk(1), chunk(0), chunk(1, "stop"), chunk(0, "length"), DONE]),
            ("chatcmpl-1", "m-2", ("length", "stop")),
        ),
        (("completion", [text_chunk(), text_chunk("stop"), DONE]), ("cmpl-1", "m-2", ("stop",))),
        (("response", response_events("completed")), ("resp_1", "m", ("stop",))),
        (
            ("response", response_events("incomplete", incomplete_details={"reason": "max_output_tokens"})),
            ("resp_1", "m", ("length",)),
        ),
        (
            ("response", response_events("incomplete", incomplete_details={"reason": "content_filter"})),
            ("resp_1", "m", ("content_filter",)),
        ),
    ],
    ids=["chat", "choices", "completion", "response", "response cut", "response filtered"],
)
def test_what_a_stream_says(
    invoke: Invoke, upstream: Upstream, collector: Collector, answered: tuple[str, list[bytes]], expected: Any
) -> None:
    """The id, the model and the reasons of a stream are those of its events, in the order of its choices."""
    call, chunks = answered
    upstream.reply(chunks=chunks)
    client = invoke.client(layers=[collector.telemetry()])
    make = {
        "chat": lambda: client.chat.completions.create(**CHAT, stream=True),
        "completion": lambda: client.completions.create(model="m", prompt="A", stream=True),
        "response": lambda: client.responses.create(model="m", input="A", stream=True),
    }[call]
    invoke.collect(invoke(make))
    span = collector.span
    names = ("gen_ai.response.id", "gen_ai.response.model", "gen_ai.response.finish_reasons")
    assert tuple(span[name] for name in names) == expected
    assert span["ai_client.complete"] is True
    assert span["gen_ai.request.stream"] is True


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"chunks": [chunk(), chunk()]}, "StreamInterruptedError"),
        (
            {"chunks": [chunk(), chunk(), chunk(0, "stop"), DONE], "close_after": 300},
            "StreamInterruptedError",
        ),
        ({"chunks": [chunk(), b"data: {broken\n\n"]}, "StreamError"),
        ({"chunks": [chunk(), sse({"error": {"message": "private words", "code": "c"}})]}, "StreamError"),
    ],
    ids=["no end mark", "connection lost", "garbage", "error event"],
)
def test_a_stream_that_fails(
    invoke: Invoke, upstream: Upstream, collector: Collector, reply: dict[str, Any], error: str
) -> None:
    """A stream that breaks ends its span with the error, what it had said, and a reason of `error`."""
    upstream.reply(**reply)
    stream = invoke.chat(invoke.client(layers=[collector.telemetry()]), stream=True)
    with pytest.raises(APIError):
        invoke.collect(stream)
    (span,) = collector.spans
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes["error.type"] == error
    assert span.attributes["gen_ai.response.id"] == "chatcmpl-1"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert span.attributes["ai_client.complete"] is False
    assert "private" not in span.to_json()
    (duration,) = collector.metrics()["gen_ai.client.operation.duration"]
    assert duration.attributes["error.type"] == error


def test_a_stream_that_is_closed_early(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A stream that its caller closes ends its span without an error, incomplete."""
    upstream.reply(chunks=[chunk(), chunk(), chunk(0, "stop"), DONE])
    stream = invoke.chat(invoke.client(layers=[collector.telemetry()]), stream=True)
    invoke.collect(stream, 1)
    assert collector.spans == []
    invoke(stream.close)
    (span,) = collector.spans
    assert span.status.status_code is trace.StatusCode.UNSET
    assert span.attributes["ai_client.complete"] is False
    assert "error.type" not in span.attributes
    assert span.attributes["gen_ai.response.finish_reasons"] == ("error",)


def test_a_stream_without_any_event(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """An empty stream has a failed span and no reasons, as no choice was begun."""
    upstream.reply(chunks=[b""], headers={"content-type": "text/event-stream"})
    stream = invoke.chat(invoke.client(layers=[collector.telemetry()]), stream=True)
    with pytest.raises(StreamInterruptedError):
        invoke.collect(stream)
    assert "gen_ai.response.finish_reasons" not in collector.span
    assert collector.span["error.type"] == "StreamInterruptedError"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_cancelled_call(upstream: Upstream, collector: Collector, stream: bool) -> None:
    """A call that is cancelled while it waits ends its span with that, a stream too."""
    gate = Gate()
    upstream.reply(chunks=[chunk(), gate, DONE]) if stream else upstream.reply(gate=gate)

    async def cancel() -> None:
        reached = asyncio.Event()
        async with AsyncOpenAI(
            api_key=KEY, base_url=upstream.base_url, layers=[collector.telemetry()]
        ) as client:

            async def call() -> None:
                if not stream:
                    reached.set()
                answer = await client.chat.completions.create(**CHAT, stream=stream)
                async for _ in answer:  # type: ignore[union-attr]
                    reached.set()

            task = asyncio.create_task(call())
            await reached.wait()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    gate.set()
    assert collector.span["error.type"] == "CancelledError"


def current() -> int:
    """Return the id of the span that is current; 0 where none is."""
    return trace.get_current_span().get_span_context().span_id


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", ["function", "coroutine function"])
def test_the_span_is_current_for_hooks(invoke: Invoke, collector: Collector, stream: bool, kind: str) -> None:
    """Hooks run within the span: before a call, after an attempt, and after a result or a stream's end."""
    seen: list[int] = []

    async def wait(_: Any) -> None:
        seen.append(current())

    hook: Any = wait if kind == "coroutine function" else lambda _: seen.append(current())
    hooks = Hooks(on_call=hook, on_attempt=hook, on_result=hook)
    result = invoke.chat(invoke.client(layers=[collector.telemetry(), hooks]), stream=stream)
    if stream:
        assert (len(seen), current()) == (2, 0)
        invoke.collect(result)
    assert current() == 0
    (span,) = collector.spans
    assert seen == [span.context.span_id] * 3


@pytest.mark.parametrize("when", ["before", "in the middle"])
def test_the_span_is_current_for_hooks_of_failures(
    invoke: Invoke, upstream: Upstream, collector: Collector, when: str
) -> None:
    """The hook of an error runs within the span, whether a call fails or its stream does."""
    seen: list[int] = []
    hooks = Hooks(on_error=lambda _: seen.append(current()))
    upstream.reply(**({"status": 400} if when == "before" else {"chunks": [chunk()]}))
    with pytest.raises(APIError):
        invoke.collect(invoke.chat(invoke.client(layers=[collector.telemetry(), hooks]), stream=True))
    assert current() == 0
    assert seen == [collector.spans[0].context.span_id]


def points(collector: Collector, name: str) -> Iterator[Any]:
    """Yield the data points of a metric."""
    yield from collector.metrics().get(name, ())


def test_the_pace_of_a_stream(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """Each event after the first one is measured, under what the first has said; `chunk_times` leaves that out."""
    for telemetry in (collector.telemetry(), collector.telemetry(chunk_times=False)):
        upstream.reply(chunks=[chunk(), chunk(), chunk(0, "stop", service_tier="flex"), DONE])
        invoke.collect(invoke.chat(invoke.client(layers=[telemetry]), stream=True))
    (pace,) = points(collector, PER_CHUNK)
    assert pace.count == 2
    assert pace.attributes["gen_ai.response.model"] == "m-2"
    (first,) = points(collector, FIRST_CHUNK)
    assert first.count == 2
    assert first.explicit_bounds[:3] == (0.01, 0.02, 0.04)
    assert first.attributes["openai.response.service_tier"] == "flex"


def test_a_stream_whose_usage_was_not_asked_for(
    invoke: Invoke, upstream: Upstream, collector: Collector
) -> None:
    """Where an answer reports no tokens they are estimates, which are no usage to the conventions."""
    upstream.reply(chunks=[chunk(), chunk(0, "stop"), DONE])
    invoke.collect(invoke.chat(invoke.client(layers=[collector.telemetry()]), stream=True))
    span = collector.span
    assert not [name for name in span if name.startswith("gen_ai.usage")]
    assert span["ai_client.estimated.input_tokens"] > 0
    assert list(points(collector, "gen_ai.client.token.usage")) == []


def test_no_text_is_kept_without_content(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """The events of a stream are kept for their content only where spans may hold it."""
    for redaction in (Redaction(), Redaction(content=True)):
        upstream.reply(chunks=[chunk(), chunk(0, "stop"), DONE])
        client = invoke.client(layers=[collector.telemetry(redaction=redaction)])
        invoke.collect(invoke.chat(client, stream=True))
    without, held = (dict(span.attributes) for span in collector.spans)
    assert "gen_ai.output.messages" not in without
    assert "xx" in held["gen_ai.output.messages"]
