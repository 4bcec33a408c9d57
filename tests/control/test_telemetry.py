"""Spans and metrics."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry import context, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.metrics import NoOpMeterProvider

from ai_client import BadRequestError, ConfigError, labels
from ai_client.control.observability.redaction.policy import Redaction
from ai_client.control.observability.telemetry import Telemetry
from ai_client.testing import Upstream
from tests.support.collector import Collector
from tests.support.invoke import Invoke, no_waiting


def test_a_span_for_a_call(invoke: Invoke, collector: Collector) -> None:
    """A call makes one client span with the conventions' name and attributes, and no content."""
    client = invoke.client(layers=[collector.telemetry()])
    with labels(endpoint="/ask", tenant="acme"):
        completion = invoke.chat(client, "private words", temperature=0.5, max_tokens=100)
    (span,) = collector.spans
    usage = completion.to_dict()["usage"]
    assert (span.name, span.kind) == ("chat gpt-4o-mini", trace.SpanKind.CLIENT)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.response.id": completion.id,
        "gen_ai.response.model": completion.model,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": usage["prompt_tokens"],
        "gen_ai.usage.output_tokens": usage["completion_tokens"],
        "server.address": "127.0.0.1",
        "ai_client.endpoint": "/ask",
        "ai_client.tenant": "acme",
        "ai_client.attempts": 1,
    }
    assert expected.items() <= dict(span.attributes).items()
    assert "private" not in str(span.attributes)


def test_metrics(invoke: Invoke, collector: Collector) -> None:
    """Duration and tokens are measured under the conventions' names."""
    completion = invoke.chat(invoke.client(layers=[collector.telemetry()]))
    metrics = collector.metrics()
    (duration,) = metrics["gen_ai.client.operation.duration"]
    assert (duration.count, duration.attributes["gen_ai.operation.name"]) == (1, "chat")
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum for point in metrics["gen_ai.client.token.usage"]
    }
    usage = completion.to_dict()["usage"]
    assert tokens == {"input": usage["prompt_tokens"], "output": usage["completion_tokens"]}


def test_kinds_of_tokens(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """Cached, written and reasoning tokens are told where there are any, under the names of the latest conventions."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    for telemetry in (collector.telemetry(), collector.telemetry(convention="1.37")):
        upstream.reply(json={"id": "x", "model": "m", "choices": [], "usage": usage})
        invoke.chat(invoke.client(layers=[telemetry]))
    latest, older = (dict(span.attributes) for span in collector.spans)
    assert latest["gen_ai.usage.cache_read.input_tokens"] == 60
    assert latest["gen_ai.usage.reasoning.output_tokens"] == 30
    assert "gen_ai.usage.audio.input_tokens" not in latest
    assert latest["openai.api.type"] == "chat_completions"
    assert not {"gen_ai.usage.cache_read.input_tokens", "openai.api.type"} & older.keys()


def test_the_time_to_the_first_chunk(invoke: Invoke, collector: Collector) -> None:
    """Of a stream the time to its first item is told and measured; of a whole answer it is not."""
    client = invoke.client(layers=[collector.telemetry()])
    invoke.chat(client)
    assert "gen_ai.client.operation.time_to_first_chunk" not in collector.metrics()
    invoke.collect(invoke.chat(client, stream=True))
    whole, streamed = (dict(span.attributes) for span in collector.spans)
    assert "gen_ai.request.stream" not in whole
    assert streamed["gen_ai.request.stream"] is True
    first = streamed["gen_ai.response.time_to_first_chunk"]
    (point,) = collector.metrics()["gen_ai.client.operation.time_to_first_chunk"]
    assert (point.count, point.sum) == (1, first)


def test_a_failed_call(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A failed attempt is an event; a failed call has a status, a type, and not what the server said."""
    client = invoke.client(layers=[collector.telemetry()], max_retries=1)
    upstream.reply(status=500)
    upstream.reply(status=400, json={"error": {"message": "private words"}})
    with no_waiting(), pytest.raises(BadRequestError):
        invoke.chat(client)
    (span,) = collector.spans
    assert [event.attributes["error.type"] for event in span.events] == [
        "InternalServerError",
        "BadRequestError",
    ]
    assert span.attributes["error.type"] == "BadRequestError"
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "private" not in span.to_json()


def test_a_span_ends_with_its_stream_and_is_never_current_meanwhile(
    invoke: Invoke, collector: Collector
) -> None:
    """While a caller reads a stream its span is open and not current; it ends at the end of the stream."""
    stream = invoke.chat(invoke.client(layers=[collector.telemetry()]), stream=True)
    assert not collector.spans
    assert not trace.get_current_span().get_span_context().is_valid
    invoke.collect(stream, 2)
    assert not trace.get_current_span().get_span_context().is_valid
    invoke(stream.close)
    assert [span.name for span in collector.spans] == ["chat gpt-4o-mini"]


def test_http_instrumentation_is_kept_quiet(invoke: Invoke, collector: Collector) -> None:
    """While a call is sent its span is current, and an instrumented HTTP library is told to make none."""
    seen: list[Any] = []

    async def look(call: Any, proceed: Any) -> Any:
        key = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY
        seen.append((context.get_value(key), trace.get_current_span().get_span_context().is_valid))
        return await proceed(call)

    invoke.chat(invoke.client(layers=[collector.telemetry(), look]))
    assert seen == [(True, True)]


@pytest.fixture
def instrumented(invoke: Invoke, collector: Collector) -> Iterator[Any]:
    """Yield an HTTP client whose calls make spans."""
    HTTPXClientInstrumentor().instrument(
        tracer_provider=collector.tracers, meter_provider=NoOpMeterProvider()
    )
    client = httpx.Client() if invoke.sync else httpx.AsyncClient()
    yield client
    HTTPXClientInstrumentor().uninstrument()


def test_no_second_span_for_the_same_call(
    invoke: Invoke, upstream: Upstream, collector: Collector, instrumented: Any
) -> None:
    """Over an instrumented HTTP client a call makes one span, below the application's, and a stream too."""
    client = invoke.client(layers=[collector.telemetry()], http_client=instrumented, max_retries=1)
    with no_waiting(), collector.tracers.get_tracer("app").start_as_current_span("request") as request:
        upstream.reply(status=500)
        invoke.chat(client)
        invoke.collect(invoke.chat(client, stream=True))
    assert [span.name for span in collector.spans] == ["chat gpt-4o-mini", "chat gpt-4o-mini", "request"]
    assert all(span.parent.span_id == request.context.span_id for span in collector.spans[:2])


def test_spans_of_attempts_where_asked(
    invoke: Invoke, upstream: Upstream, collector: Collector, instrumented: Any
) -> None:
    """With `http_spans` each attempt has the HTTP library's span, below that of the call."""
    telemetry = collector.telemetry(http_spans=True)
    client = invoke.client(layers=[telemetry], http_client=instrumented, max_retries=1)
    upstream.reply(status=500)
    with no_waiting():
        invoke.collect(invoke.chat(client, stream=True))
    *attempts, call = collector.spans
    assert [span.name for span in attempts] == ["POST", "POST"]
    assert call.name == "chat gpt-4o-mini"
    assert all(span.parent.span_id == call.context.span_id for span in attempts)


def test_the_library_is_instrumented_at_all(invoke: Invoke, collector: Collector, instrumented: Any) -> None:
    """Without the policy the HTTP library makes its own span, and the two tests above could fail."""
    invoke.chat(invoke.client(http_client=instrumented))
    assert [span.name for span in collector.spans] == ["POST"]


def test_content_where_asked(invoke: Invoke, collector: Collector) -> None:
    """With `content` a span has prompt and completion, redacted."""
    redaction = Redaction(content=True, patterns=["email"])
    invoke.chat(invoke.client(layers=[collector.telemetry(redaction=redaction)]), "I am a@example.org")
    (span,) = collector.spans
    assert "I am [redacted]" in span.attributes["gen_ai.input.messages"]
    assert "[redacted]" in span.attributes["gen_ai.output.messages"]


def test_an_older_convention(invoke: Invoke, collector: Collector) -> None:
    """Names follow the version that was chosen."""
    client = invoke.client(layers=[collector.telemetry(convention="1.36")])
    invoke(client.embeddings.create, model="text-embedding-3-small", input="x", dimensions=2)
    (span,) = collector.spans
    assert span.name == "embeddings text-embedding-3-small"
    assert span.attributes["gen_ai.system"] == "openai"
    with pytest.raises(ConfigError, match=r"one of 1\.36, 1\.37, 1\.41, latest"):
        Telemetry(convention="0.1")  # type: ignore[arg-type]


NOBODY_LISTENS = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from ai_client import OpenAI
from ai_client.control import Telemetry, call_record

policy = Telemetry()
client = OpenAI(api_key="any", base_url=BASE_URL, layers=[policy])
def ask():
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
ask()
assert not policy._made
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
ask()
assert reader.get_metrics_data() is not None
spans = InMemorySpanExporter()
tracers = TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(tracers)
ask()
print([span.name for span in spans.get_finished_spans()])
"""


def test_an_sdk_may_be_set_up_at_any_time(upstream: Upstream) -> None:
    """While no SDK is set up a call makes no span and no instrument; the first after that is seen."""
    program = NOBODY_LISTENS.replace("BASE_URL", repr(upstream.base_url))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['chat m']\n", "")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, telemetry fails at start and names what to install."""
    monkeypatch.setattr("ai_client.control.observability.telemetry.find_spec", {}.get)
    with pytest.raises(ImportError, match=r"pip install 'ai-client\[otel\]'"):
        Telemetry()
