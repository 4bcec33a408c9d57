"""OpenTelemetry that fails, and traces that go on upstream: a call is answered whatever becomes of its span."""

from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from ai_client import DefaultAioHttpClient, labels
from ai_client.control import Cache, Fallback, Redaction, Telemetry
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.collector import Collector
from tests.support.invoke import Invoke

CONTENT = Redaction(content=True)


class Broken:
    """What fails at a time: when a span starts, or ends, or is asked anything."""

    def __init__(self, when: str) -> None:
        self._when = when

    def get_tracer(self, *_: Any, **__: Any) -> Any:
        """Return a tracer."""
        self._fail("tracer")
        return self

    def get_meter(self, *_: Any, **__: Any) -> Any:
        """Return a meter."""
        self._fail("meter")
        return self

    def start_span(self, *_: Any, **__: Any) -> Any:
        """Start a span."""
        self._fail("start")
        return self

    create_histogram = create_counter = get_meter

    def _fail(self, when: str) -> None:
        if when in {self._when, "always"}:
            raise RuntimeError(f"broken at {when}")

    def is_recording(self) -> bool:
        """Return that it is."""
        return True

    def _at_use(self, *_: Any, **__: Any) -> None:
        self._fail("use")

    set_attributes = set_attribute = set_status = update_name = add_event = record = add = _at_use

    def end(self) -> None:
        """End the span."""
        self._fail("end")


@pytest.mark.parametrize("when", ["tracer", "meter", "start", "use", "end"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_fails_fails_no_call(
    invoke: Invoke, caplog: pytest.LogCaptureFixture, when: str, stream: bool
) -> None:
    """A tracer, a span or an instrument that raises is logged once for a call, which is answered."""
    broken = Broken(when)
    telemetry = Telemetry(tracer_provider=broken, meter_provider=broken, redaction=CONTENT)
    answer = invoke.chat(invoke.client(layers=[telemetry]), stream=stream)
    if stream:
        assert len(invoke.collect(answer)) > 2
    else:
        assert answer.choices[0].message.content
    assert f"broken at {when}" in caplog.text
    assert caplog.text.count("the call is not affected") == 1


class Failing(SpanProcessor):
    """A processor that raises when a span starts or ends."""

    def __init__(self, method: str) -> None:
        self._method = method

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Hear of a span that starts."""
        del span, parent_context
        if self._method == "on_start":
            raise RuntimeError("broken processor")

    def on_end(self, span: Any) -> None:
        """Hear of a span that has ended."""
        del span
        if self._method == "on_end":
            raise RuntimeError("broken processor")


@pytest.mark.parametrize("method", ["on_start", "on_end"])
def test_a_processor_that_fails(invoke: Invoke, method: str) -> None:
    """A span processor that raises fails no call, whole or streamed."""
    tracers = TracerProvider()
    tracers.add_span_processor(Failing(method))
    client = invoke.client(layers=[Telemetry(tracer_provider=tracers)])
    assert invoke.chat(client).choices
    assert len(invoke.collect(invoke.chat(client, stream=True))) > 2


def test_a_span_that_is_not_sampled(invoke: Invoke, collector: Collector) -> None:
    """A call that is not sampled is measured all the same."""
    telemetry = Telemetry(
        tracer_provider=TracerProvider(sampler=ALWAYS_OFF),
        meter_provider=collector.meters,
        redaction=CONTENT,
    )
    client = invoke.client(layers=[telemetry])
    invoke.chat(client)
    invoke.collect(invoke.chat(client, stream=True))
    assert collector.spans == []
    (duration,) = collector.metrics()["gen_ai.client.operation.duration"]
    assert duration.count == 2


@pytest.mark.parametrize("kind", ["pool", "httpx", "httpx2", "aiohttp"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_http_client(invoke: Invoke, collector: Collector, kind: str, stream: bool) -> None:
    """Whatever sends a call, its span says the same."""
    clients: dict[str, Callable[[], Any]] = {
        "pool": lambda: None,
        "httpx": httpx.Client if invoke.sync else httpx.AsyncClient,
        "httpx2": httpx2.Client if invoke.sync else httpx2.AsyncClient,
        "aiohttp": DefaultAioHttpClient,
    }
    if kind == "aiohttp" and invoke.sync:
        pytest.skip("aiohttp has no sync client")
    http_client = invoke(clients[kind])
    given = {} if http_client is None else {"http_client": http_client}
    answer = invoke.chat(invoke.client(layers=[collector.telemetry()], **given), stream=stream)
    if stream:
        invoke.collect(answer)
    found = collector.span
    assert found["gen_ai.response.finish_reasons"] == ("stop",)
    assert found["server.address"] == "127.0.0.1"
    assert found["gen_ai.response.model"] == "gpt-4o-mini"


@pytest.mark.parametrize("propagate", [False, True])
def test_the_trace_goes_upstream_where_asked(
    invoke: Invoke, upstream: Upstream, collector: Collector, propagate: bool
) -> None:
    """Requests carry the trace only with `propagate`, each retry and each stream that of its span."""
    client = invoke.client(layers=[collector.telemetry(propagate=propagate)])
    invoke.chat(client)
    invoke.collect(invoke.chat(client, stream=True))
    sent = [request.headers.get("traceparent") for request in upstream.requests]
    contexts = [span.context for span in collector.spans]
    expected = [f"00-{one.trace_id:032x}-{one.span_id:016x}" for one in contexts]
    assert [one and one.rpartition("-")[0] for one in sent] == (expected if propagate else [None, None])
    assert not any("baggage" in request.headers for request in upstream.requests)


def test_a_trace_of_the_callers_own(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A `traceparent` that the caller gives is sent as it is."""
    own = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    client = invoke.client(layers=[collector.telemetry(propagate=True)])
    invoke.chat(client, extra_headers={"Traceparent": own})
    assert upstream.requests[0].headers["traceparent"] == own


def test_the_trace_stays_at_its_origin(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A fallback elsewhere gets no headers of the trace."""
    with Upstream() as other:
        client = invoke.client(base_url=other.base_url)
        fallback = Fallback(
            models={"smart": ["m", "other/gpt-4o-mini"]}, clients={"other": client}, breaker=None
        )
        upstream.reply(status=500)
        invoke.chat(invoke.client(layers=[collector.telemetry(propagate=True), fallback]), model="smart")
        assert "traceparent" in upstream.requests[0].headers
        assert "traceparent" not in other.requests[0].headers


def test_the_trace_splits_no_cache(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """Equal calls share a cached answer though each has a trace of its own."""
    cache = Cache(scope="all", store=open_store("memory://"))
    client = invoke.client(layers=[collector.telemetry(propagate=True), cache])
    for _ in range(2):
        invoke.chat(client, temperature=0)
    assert len(upstream.requests) == 1


def test_providers_that_are_set_late(invoke: Invoke, collector: Collector) -> None:
    """A policy whose meter provider alone is given makes no spans, and the other way round no measurements."""
    for options in ({"meter_provider": collector.meters}, {"tracer_provider": collector.tracers}):
        invoke.chat(invoke.client(layers=[Telemetry(**options)]))
    assert len(collector.spans) == 1
    (duration,) = collector.metrics()["gen_ai.client.operation.duration"]
    assert duration.count == 1


def test_labels_that_cannot_be_encoded(invoke: Invoke, collector: Collector) -> None:
    """A label with half a character is recorded with an escape in its place."""
    with labels(tenant="a\ud800", endpoint="x" * 5000):
        invoke.chat(invoke.client(layers=[collector.telemetry()]))
    assert collector.span["ai_client.tenant"] == r"a\ud800"
    assert len(collector.span["ai_client.endpoint"]) == 1024
