"""A place where spans and measurements end up in memory."""

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ai_client.control import Telemetry


class Collector:
    """Keeps spans and measurements."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._tracers = TracerProvider()
        self._tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self._meters = MeterProvider([self._reader])

    @property
    def tracers(self) -> TracerProvider:
        """The provider of the spans."""
        return self._tracers

    @property
    def meters(self) -> MeterProvider:
        """The provider of the measurements."""
        return self._meters

    def telemetry(self, **options: Any) -> Telemetry:
        """Make the policy that reports here."""
        return Telemetry(tracer_provider=self._tracers, meter_provider=self._meters, **options)

    @property
    def span(self) -> dict[str, Any]:
        """The attributes of the one span that has ended."""
        (span,) = self.spans
        return dict(span.attributes)

    @property
    def spans(self) -> list[Any]:
        """The spans that have ended."""
        return list(self._exporter.get_finished_spans())

    def metrics(self) -> dict[str, list[Any]]:
        """The data points by the name of their metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def close(self) -> None:
        """Stop exporting."""
        self._tracers.shutdown()
        self._meters.shutdown()
