"""OpenTelemetry spans and metrics of calls, by the semantic conventions for generative AI."""

import logging
import os
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ...errors import ConfigError
from ..options.amounts import check_amounts
from ..record import record_of
from .conventions import VERSIONS, changes_of
from .observe import observed
from .otel.instruments import Instruments
from .otel.observation import Observation
from .otel.settings import TelemetrySettings
from .redaction.policy import Redaction

logger = logging.getLogger("ai_client")
_NAMED_BY = frozenset({"OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER"})
"""Environment variables that name providers, which the OpenTelemetry API then creates itself."""


@dataclass(frozen=True)
class Telemetry:
    """Records a span per call, with an event per failed attempt, and measures duration, tokens, pace and cost.

    The span is current while the request is sent and while hooks and logs hear of the end of a stream, never while
    the caller reads a stream; it ends with the stream. Whatever fails in OpenTelemetry is logged and fails no call.

    Args:
        redaction: With `content=True`, spans hold prompts and whole completions, redacted.
        convention: Version of the semantic conventions whose names are used. `1.41` are the names of OpenTelemetry's
            own instrumentation; `latest` is 0.1.0, the first release of the conventions for generative AI on their own.
        provider: Name of the provider, or names by the beginning of the address; by default that of the conventions for
            the client's address, `openai` where they have none.
        http_spans: Whether an instrumented HTTP library records its own spans, one per attempt, below the call's span;
            by default there is one span per call.
        propagate: Whether requests carry the headers `traceparent` and `tracestate`, which join the spans of a server
            of yours to the trace. They go to the client's own address, never to a fallback elsewhere.
        chunk_times: Whether the time between the events of a stream is measured, which costs as much as each event.
        max_content: Bytes of the largest attribute with content: longer texts are cut, then the first messages
            left out.
        tracer_provider: Replaces the global tracer provider.
        meter_provider: Replaces the global meter provider.

    Raises:
        ImportError: The extra `otel` is not installed.
    """

    redaction: Redaction = field(default_factory=Redaction)
    convention: Literal["1.36", "1.37", "1.41", "latest"] = "1.41"
    provider: str | Mapping[str, str] | None = None
    http_spans: bool = False
    propagate: bool = False
    chunk_times: bool = True
    max_content: int = 64 * 1024
    tracer_provider: Any = None
    meter_provider: Any = None
    _by_environment: bool = field(init=False, repr=False, compare=False)
    _settings: TelemetrySettings = field(init=False, repr=False, compare=False)
    _made: list[Instruments] = field(init=False, repr=False, compare=False, default_factory=list[Instruments])

    def __post_init__(self) -> None:
        if self.convention not in VERSIONS:
            raise ConfigError(f"telemetry: convention must be one of {', '.join(VERSIONS)}.")
        check_amounts("telemetry", above_zero=True, max_content=self.max_content)
        for name, method in (("tracer_provider", "get_tracer"), ("meter_provider", "get_meter")):
            provider = getattr(self, name)
            if provider is not None and not callable(getattr(provider, method, None)):
                raise ConfigError(
                    f"telemetry: {name} must have a method {method}, as OpenTelemetry's providers have."
                )
        if find_spec("opentelemetry") is None:
            raise ImportError("Telemetry needs the OpenTelemetry API: pip install 'ai-client[otel]'")
        object.__setattr__(self, "_by_environment", not _NAMED_BY.isdisjoint(os.environ))
        changes = changes_of(self.convention)
        settings = TelemetrySettings(
            self.convention,
            changes,
            self.redaction,
            self.provider,
            self.http_spans,
            self.chunk_times,
            self.max_content,
        )
        object.__setattr__(self, "_settings", settings)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call within a span; without one where OpenTelemetry is not set up."""
        observation = self._begin(call)
        return proceed(call) if observation is None else self._traced(call, proceed, observation)

    def _begin(self, call: Call) -> Observation | None:
        """Start the span of a call; `None` where OpenTelemetry is not set up, or fails."""
        try:
            if not self._made:
                if not self._is_set_up():
                    return None
                self._made.append(Instruments(self.tracer_provider, self.meter_provider, self.convention))
            return Observation(self._made[0], self._settings, call, record_of(call))
        except Exception:
            logger.exception("Telemetry failed; the call is not affected.")
            return None

    def _is_set_up(self) -> bool:
        """Return whether spans or measurements would be recorded; an application may set this up at any time."""
        if self.tracer_provider is not None or self.meter_provider is not None or self._by_environment:
            return True
        trace, metrics = _globals()
        if trace.get("_TRACER_PROVIDER", ...) is None and metrics.get("_METER_PROVIDER", ...) is None:
            return False  # the public functions agree, but read the environment on each call
        return any(map(_is_more_than_api, _providers()))

    async def _traced(self, call: Call, proceed: Next, observation: Observation) -> Reply:
        if self.propagate:
            call = observation.traced(call)
        with self._made[0].within(observation.context):
            reply = await observed(call, proceed, observation.done, attempt=observation.attempted)
        if not call.is_whole:
            observation.follow(reply)
        return reply


@cache
def _globals() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the module namespaces in which the API keeps the global providers."""
    return vars(import_module("opentelemetry.trace")), vars(import_module("opentelemetry.metrics._internal"))


def _providers() -> tuple[object, object]:
    trace: Any = import_module("opentelemetry.trace")
    metrics: Any = import_module("opentelemetry.metrics")
    return trace.get_tracer_provider(), metrics.get_meter_provider()


def _is_more_than_api(provider: object) -> bool:
    """Return whether a provider belongs to an SDK; those of the API itself record nothing."""
    return not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))
