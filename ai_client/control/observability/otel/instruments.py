"""The tracer and the metrics' instruments, created on first use, and what goes through the context."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ...._version import __version__
from ..conventions import COST, COUNTS, DURATION, FIRST_CHUNK, PER_CHUNK, RENAMED, SECONDS, TOKENS, Version

_SCHEMAS: Mapping[str, str] = {
    "1.36": "https://opentelemetry.io/schemas/1.36.0",
    "1.37": "https://opentelemetry.io/schemas/1.37.0",
    "1.41": "https://opentelemetry.io/schemas/1.41.0",
}


class Instruments:
    """The tracer and the metrics' instruments of one policy.

    Attributes:
        tracer: Starts spans.
        histograms, counters: By the name of the metric.
        client: The kind of the spans.
        failed: The status of a span whose call failed.
    """

    def __init__(self, tracer_provider: Any, meter_provider: Any, version: Version) -> None:
        trace: Any = import_module("opentelemetry.trace")
        metrics: Any = import_module("opentelemetry.metrics")
        schema = _SCHEMAS.get(version)
        self.tracer: Any = trace.get_tracer("ai_client", __version__, tracer_provider, schema)
        self.client: Any = trace.SpanKind.CLIENT
        self.failed: Any = trace.StatusCode.ERROR
        self._context: Any = import_module("opentelemetry.context")
        self._span_in_context: Any = trace.set_span_in_context
        own = getattr(self._context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", None)
        self._suppress = {"suppress_http_instrumentation", own or "suppress_http_instrumentation"}
        self._meter: Any = metrics.get_meter("ai_client", __version__, meter_provider, schema)
        self.histograms: dict[str, Any] = {}
        self.counters: dict[str, Any] = {}
        for name in (DURATION, FIRST_CHUNK, PER_CHUNK, TOKENS):
            for one in (name,) if version != "latest" else RENAMED[name]:
                self._add(one)
        self._add(COST)

    def _add(self, name: str) -> None:
        unit, about = _KINDS[name.rpartition(".")[2]]
        if name == COST or ".inference.usage." in name:
            self.counters[name] = self._meter.create_counter(name, unit=unit, description=about)
            return
        boundaries = SECONDS if unit == "s" else COUNTS
        self.histograms[name] = self._meter.create_histogram(
            name, unit=unit, description=about, explicit_bucket_boundaries_advisory=boundaries
        )

    def context_of(self, span: Any, *, http_spans: bool) -> Any:
        """Return the context in which *span* is current; unless *http_spans*, HTTP libraries make no spans in it."""
        context: Any = self._span_in_context(span)
        for key in () if http_spans else self._suppress:
            context = self._context.set_value(key, True, context)
        return context

    def enter(self, context: Any) -> Any:
        """Make a context the current one; return what `leave` takes."""
        return self._context.attach(context)

    def leave(self, token: Any) -> None:
        """Make the context current that was so before."""
        self._context.detach(token)

    @contextmanager
    def within(self, context: Any) -> Generator[None]:
        """Make a context the current one inside the block."""
        token = self.enter(context)
        try:
            yield
        finally:
            self.leave(token)

    def headers(self, context: Any) -> dict[str, str]:
        """Return the headers `traceparent` and `tracestate` for a request that is part of a context's trace."""
        found: dict[str, str] = {}
        module: Any = import_module("opentelemetry.trace.propagation.tracecontext")
        module.TraceContextTextMapPropagator().inject(found, context)
        return found


_TOKENS = "{token}", "Tokens that an answer reports"
_KINDS = {
    "usage": _TOKENS,
    "input_tokens": _TOKENS,
    "output_tokens": _TOKENS,
    "cost": ("{USD}", "Cost of calls"),
    "duration": ("s", "Duration of a call, a stream to its end"),
    "time_to_first_chunk": ("s", "Time to the first event of a stream"),
    "time_per_output_chunk": ("s", "Time between two events of a stream"),
}
"""Unit and description of a metric, by the last word of its name."""
