"""The same calls under OpenTelemetry's own instrumentation of the official SDK, and through ours with `Telemetry`."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import ai_client
from ai_client.control import Redaction, Telemetry
from ai_client.testing import Upstream, sse

pytest.importorskip(
    "opentelemetry.instrumentation.openai_v2",
    reason="OpenTelemetry's instrumentation of OpenAI is not installed: make .venv/.reference-telemetry",
)
pytestmark = pytest.mark.slow  # after the step of the gate that installs it

from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

OURS_ALONE = {
    "server.address": "The reference reads it from clients of older SDKs only.",
    "server.port": "As `server.address`.",
    "gen_ai.request.stream": "The reference does not set it for streams; the conventions do since 1.41.",
    "gen_ai.response.time_to_first_chunk": "As `gen_ai.request.stream`.",
    "gen_ai.tool.definitions": "The reference leaves them out; the conventions have them.",
    "openai.api.type": "The reference leaves it out; the conventions have it.",
    "openai.response.system_fingerprint": "The reference reads it from whole answers only.",
    "gen_ai.usage.cache_read.input_tokens": "The reference counts no kinds of tokens.",
    "gen_ai.usage.reasoning.output_tokens": "The reference counts no kinds of tokens.",
    "ai_client.": "Names of this package's own.",
}
"""Attributes that only our spans have, or those with that beginning, and why."""
OTHERWISE = {
    "gen_ai.response.finish_reasons": "The reference reports none for streams; ours are those of the stream.",
    "error.type": "The reference prefixes the module of the SDK's class.",
    "gen_ai.request.max_tokens": "The reference knows `max_tokens` alone, not `max_completion_tokens`.",
    "gen_ai.input.messages": "The reference drops parts that are no text.",
}
"""Attributes that both have, with other values for some calls, and why."""
OURS_ALONE_IN_METRICS = {
    **{name: OURS_ALONE[name] for name in ("server.address", "server.port", "openai.api.type")},
    "openai.response.system_fingerprint": OURS_ALONE["openai.response.system_fingerprint"],
    "openai.response.service_tier": "The reference measures it for whole answers only.",
}
REFERENCE_ALONE_IN_METRICS = {
    "gen_ai.system": "The reference measures embeddings under the older name of `gen_ai.provider.name`.",
    "gen_ai.embeddings.dimension.count": "No attribute of metrics in the conventions.",
}
OURS_ALONE_AMONG_METRICS = {
    "gen_ai.client.operation.time_to_first_chunk": "The reference does not measure streams.",
    "gen_ai.client.operation.time_per_output_chunk": "The reference does not measure streams.",
}
MESSAGES = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALLED = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def answered(message: dict[str, Any], reason: str | None, **more: Any) -> dict[str, Any]:
    """Return a whole answer of the chat API."""
    return {
        "id": "chatcmpl-9",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-9-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        **more,
    }


def pieces(*deltas: dict[str, Any], reason: str | None, **more: Any) -> list[bytes]:
    """Return the events of a streamed chat."""
    head = {
        "id": "chatcmpl-9",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-9-mini",
        **more,
    }
    events = [{**head, "choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in deltas]
    if reason is not None:
        events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        events.append({**head, "choices": [], "usage": usage})
    return [*map(sse, events), *([sse("[DONE]")] if reason is not None else [])]


@dataclass
class Case:
    """One call, what the upstream answers where that is not its own, and whether it breaks off then."""

    call: Callable[[Any], Any]
    reply: dict[str, Any] = field(default_factory=dict)
    breaks: bool = False


def chat(**more: Any) -> Callable[[Any], Any]:
    """Describe a chat call."""
    return lambda client: client.chat.completions.create(**{"model": "gpt-9", "messages": MESSAGES, **more})


def embed(**more: Any) -> Callable[[Any], Any]:
    """Describe an embeddings call."""
    return lambda client: client.embeddings.create(model="text-embedding-9", input="Hello", **more)


USAGE = {"stream": True, "stream_options": {"include_usage": True}}
STREAMED_CALL = pieces(
    {
        "role": "assistant",
        "tool_calls": [{"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}],
    },
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ' "Paris"}'}}]},
    reason="tool_calls",
    service_tier="default",
)
CASES = {
    "chat": Case(chat(), {"json": answered({"content": "Hi"}, "stop")}),
    "chat with every parameter": Case(
        chat(
            temperature=0.5,
            top_p=0.9,
            max_tokens=10,
            n=2,
            stop=["x", "y"],
            seed=3,
            frequency_penalty=0.1,
            presence_penalty=0.2,
            service_tier="flex",
            response_format={"type": "json_object"},
        ),
        {"json": answered({"content": "{}"}, "length", service_tier="flex", system_fingerprint="fp_1")},
    ),
    "chat with kinds of tokens": Case(
        chat(max_completion_tokens=10, stop="x", n=1, response_format={"type": "text"}),
        {
            "json": answered(
                {"content": "Hi"},
                "stop",
                usage={
                    "prompt_tokens": 11,
                    "completion_tokens": 7,
                    "total_tokens": 18,
                    "prompt_tokens_details": {"cached_tokens": 5},
                    "completion_tokens_details": {"reasoning_tokens": 4},
                },
            )
        },
    ),
    "chat that calls a tool": Case(
        chat(tools=[TOOL]), {"json": answered({"content": None, "tool_calls": [CALLED]}, "tool_calls")}
    ),
    "chat after a tool": Case(
        chat(
            messages=[
                *MESSAGES,
                {"role": "assistant", "tool_calls": [CALLED]},
                {"role": "tool", "tool_call_id": "c1", "content": "rainy"},
            ],
            tools=[TOOL],
        ),
        {"json": answered({"content": "It rains"}, "stop")},
    ),
    "chat with a picture": Case(
        chat(messages=[{"role": "user", "content": [{"type": "text", "text": "What?"}, PICTURE]}]),
        {"json": answered({"content": "A"}, "stop")},
    ),
    "streamed chat": Case(
        chat(**USAGE),
        {"chunks": pieces({"role": "assistant", "content": "Hi "}, {"content": "there"}, reason="stop")},
    ),
    "streamed chat with a fingerprint": Case(
        chat(**USAGE), {"chunks": pieces({"content": "Hi"}, reason="length", system_fingerprint="fp_1")}
    ),
    "streamed chat that calls a tool": Case(chat(tools=[TOOL], **USAGE), {"chunks": STREAMED_CALL}),
    "streamed chat that breaks off": Case(
        chat(**USAGE),
        {"chunks": pieces({"content": "Hi "}, {"content": "there"}, reason="stop"), "close_after": 400},
        breaks=True,
    ),
    "chat of an unknown model": Case(
        chat(), {"status": 404, "json": {"error": {"message": "No such model"}}}
    ),
    "chat over the limit": Case(chat(), {"status": 429, "json": {"error": {"message": "Too many"}}}),
    "streamed chat refused": Case(chat(**USAGE), {"status": 400, "json": {"error": {"message": "No"}}}),
    "embeddings": Case(embed()),
    "embeddings of a length": Case(embed(dimensions=4)),
    "embeddings as floats": Case(embed(encoding_format="float")),
    "embeddings refused": Case(embed(), {"status": 400, "json": {"error": {"message": "No"}}}),
}


class Told:
    """What one side records."""

    def __init__(self) -> None:
        self.tracers = TracerProvider()
        self.meters = MeterProvider([reader := InMemoryMetricReader()])
        self._exporter = InMemorySpanExporter()
        self._reader = reader
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def span(self) -> Any:
        """The one span."""
        (span,) = self._exporter.get_finished_spans()
        return span

    def points(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The attributes of the data points and their buckets, by metric and type of tokens."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        data = self._reader.get_metrics_data()
        assert data is not None
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        about = dict(point.attributes or {})
                        kind = str(about.get("gen_ai.token.type"))
                        bounds, total = point.explicit_bounds, point.sum if metric.unit != "s" else None
                        of = found.setdefault(metric.name, {})
                        of[kind] = {"unit": metric.unit, "bounds": bounds, "total": total, **about}
        return found

    def close(self) -> None:
        """Stop exporting."""
        self.tracers.shutdown()
        self.meters.shutdown()


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Told, Told]]:
    """Yield what the reference records and what we do."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    reference, ours = Told(), Told()
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=reference.tracers, meter_provider=reference.meters)
    yield reference, ours
    instrumentor.uninstrument()
    reference.close()
    ours.close()


def run(case: Case, make: Callable[..., Any], told: str, **options: Any) -> None:
    """Make the call of a case at an upstream of its own, so that ids are the same for each client."""
    with Upstream() as upstream:
        if case.reply:
            upstream.reply(**case.reply)
        client = make(api_key="any", base_url=upstream.base_url, max_retries=0, **options)

        async def wait() -> None:
            async with client:
                result = await case.call(client)
                if hasattr(result, "__aiter__"):
                    async for _ in result:
                        pass

        fails = case.breaks or case.reply.get("status", 200) >= 400
        errors = (Exception,) if case.breaks else (openai.OpenAIError, ai_client.OpenAIError)
        try:
            if told == "async":
                asyncio.run(wait())
            else:
                with client:
                    result = case.call(client)
                    if inspect.isgenerator(result) or hasattr(result, "__next__"):
                        list(result)
        except errors:
            assert fails
        else:
            assert not fails


def plain(name: str, value: Any) -> Any:
    """Return an attribute's value for comparison."""
    return json.loads(value) if name.endswith((".messages", ".definitions")) else value


def is_listed(name: str, names: dict[str, str]) -> bool:
    """Return whether a list of differences has an attribute."""
    return any(name == one or (one.endswith(".") and name.startswith(one)) for one in names)


SEEN: set[str] = set()
"""Differences that have occurred, across the tests of this file."""


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_spans_and_metrics_are_those_of_the_reference(
    case: Case, side: str, sides: tuple[Told, Told]
) -> None:
    """A call has the span and the metrics that the reference records, but for the differences on the lists above."""
    reference, ours = sides
    policy = Telemetry(
        redaction=Redaction(content=True), tracer_provider=ours.tracers, meter_provider=ours.meters
    )
    run(case, openai.OpenAI if side == "sync" else openai.AsyncOpenAI, side)
    run(case, ai_client.OpenAI if side == "sync" else ai_client.AsyncOpenAI, side, layers=[policy])
    theirs, own = reference.span, ours.span
    assert (own.name, own.kind, own.status.status_code) == (
        theirs.name,
        theirs.kind,
        theirs.status.status_code,
    )
    if not case.breaks:  # each says in its own words how a stream broke
        assert own.status.description == theirs.status.description
    a, b = dict(theirs.attributes), dict(own.attributes)
    assert {name for name in a.keys() - b.keys() if not is_listed(name, OTHERWISE)} == set()
    assert {name for name in b.keys() - a.keys() if not is_listed(name, OURS_ALONE | OTHERWISE)} == set()
    unequal = {name for name in a.keys() & b.keys() if plain(name, a[name]) != plain(name, b[name])}
    assert {name: (a[name], b[name]) for name in unequal - OTHERWISE.keys()} == {}
    SEEN.update(unequal, a.keys() ^ b.keys())
    _compare(reference.points(), ours.points())


def _compare(theirs: dict[str, Any], own: dict[str, Any]) -> None:
    """Compare the measurements of a call."""
    assert theirs.keys() <= own.keys()
    assert {name for name in own.keys() - theirs.keys() if name not in OURS_ALONE_AMONG_METRICS} == set()
    SEEN.update(own.keys() - theirs.keys())
    for metric, points in theirs.items():
        assert points.keys() == own[metric].keys(), metric
        for kind, a in points.items():
            b = own[metric][kind]
            alone = a.keys() - b.keys()
            assert {name for name in alone if name not in REFERENCE_ALONE_IN_METRICS} == set(), metric
            added = {name for name in b.keys() - a.keys() if not is_listed(name, OURS_ALONE_IN_METRICS)}
            assert added - {"gen_ai.provider.name"} == set(), metric
            assert "gen_ai.provider.name" not in added or "gen_ai.system" in a
            shared = a.keys() & b.keys() - OTHERWISE.keys()
            assert {name: a[name] for name in shared} == {name: b[name] for name in shared}, metric
            SEEN.update(alone)


def test_every_difference_on_the_lists_occurs() -> None:
    """No list above names a difference that none of the calls shows."""
    listed = OURS_ALONE | OTHERWISE | REFERENCE_ALONE_IN_METRICS | OURS_ALONE_AMONG_METRICS
    if not SEEN:
        pytest.skip("the other tests of this file did not run")
    assert {one for one in listed if not any(is_listed(name, {one: ""}) for name in SEEN)} == set()
