"""OpenTelemetry spans and metrics of calls, by the semantic conventions for generative AI."""

import os
from collections.abc import Awaitable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, cast

from pydantic_core import from_json, to_json

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.record import Attempt
from ..._version import __version__
from ...errors import ConfigError, members_of
from ..record import record_of
from .conventions import APIS, ASKED, CONVENTIONS, DURATIONS, FIRST_CHUNKS, NAMES, OPERATIONS, PARTS, TOKENS
from .hooks import known
from .logs import completion_of, prompt_of
from .observe import Outcome, observed
from .redaction.policy import Redaction

_NAMED_BY = frozenset({"OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER"})
"""Environment variables that name providers, which the OpenTelemetry API then creates itself."""


class _Instruments:
    """Tracer and metric instruments, created on first use."""

    def __init__(self, tracer_provider: Any, meter_provider: Any) -> None:
        trace: Any = import_module("opentelemetry.trace")
        metrics: Any = import_module("opentelemetry.metrics")
        self.context: Any = import_module("opentelemetry.context")
        self.span_in_context: Any = trace.set_span_in_context
        self.client: Any = trace.SpanKind.CLIENT
        self.failed: Any = trace.StatusCode.ERROR
        self.tracer: Any = trace.get_tracer("ai_client", __version__, tracer_provider)
        meter: Any = metrics.get_meter("ai_client", __version__, meter_provider)
        self.duration: Any = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="Duration of a call, a stream to its end",
            explicit_bucket_boundaries_advisory=DURATIONS,
        )
        self.tokens: Any = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of a call",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self.first_chunk: Any = meter.create_histogram(
            CONVENTIONS["latest"]["first_chunk_metric"],
            unit="s",
            description="Time to the first item of a stream",
            explicit_bucket_boundaries_advisory=FIRST_CHUNKS,
        )
        own = getattr(self.context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", None)
        self._suppress = {"suppress_http_instrumentation", own or "suppress_http_instrumentation"}

    @contextmanager
    def within(self, span: Any, *, http_spans: bool) -> Generator[None]:
        """Make *span* the current one; unless *http_spans*, suppress the spans of an instrumented HTTP library."""
        context: Any = self.span_in_context(span)
        for key in () if http_spans else self._suppress:
            context = self.context.set_value(key, True, context)
        token: Any = self.context.attach(context)
        try:
            yield
        finally:
            self.context.detach(token)


@dataclass(frozen=True)
class Telemetry:
    """Records a span per call, with an event per failed attempt, and measures duration and tokens.

    The span is current while the request is sent, never while the caller reads a stream; it ends with the
    stream.

    Args:
        redaction: With `content=True`, spans hold prompts and whole completions, redacted.
        convention: Version of the semantic conventions whose names are used.
        provider: Well-known name of the provider: `openai`, `azure.ai.openai` or another.
        http_spans: Whether an instrumented HTTP library records its own spans, one per attempt, below the
            call's
            span; by default there is one span per call.
        tracer_provider: Replaces the global tracer provider.
        meter_provider: Replaces the global meter provider.

    Raises:
        ImportError: The extra `otel` is not installed.
    """

    redaction: Redaction = field(default_factory=Redaction)
    convention: Literal["1.36", "1.37", "latest"] = "latest"
    provider: str = "openai"
    http_spans: bool = False
    tracer_provider: Any = None
    meter_provider: Any = None
    _by_environment: bool = field(init=False, repr=False, compare=False)
    _made: list[_Instruments] = field(
        init=False, repr=False, compare=False, default_factory=list[_Instruments]
    )

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise ConfigError(f"telemetry: convention must be one of {', '.join(CONVENTIONS)}.")
        for name, method in (("tracer_provider", "get_tracer"), ("meter_provider", "get_meter")):
            provider = getattr(self, name)
            if provider is not None and not callable(getattr(provider, method, None)):
                raise ConfigError(
                    f"telemetry: {name} must have a method {method}, as OpenTelemetry's providers have."
                )
        if find_spec("opentelemetry") is None:
            raise ImportError("Telemetry needs the OpenTelemetry API: pip install 'ai-client[otel]'")
        object.__setattr__(self, "_by_environment", not _NAMED_BY.isdisjoint(os.environ))

    def _instruments(self) -> _Instruments:
        if not self._made:
            self._made.append(_Instruments(self.tracer_provider, self.meter_provider))
        return self._made[0]

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call within a span; without one where OpenTelemetry is not set up."""
        return self._traced(call, proceed) if self._made or self._is_set_up() else proceed(call)

    def _is_set_up(self) -> bool:
        """Return whether spans or measurements would be recorded; an application may set this up at any time."""
        if self.tracer_provider is not None or self.meter_provider is not None or self._by_environment:
            return True
        trace, metrics = _globals()
        if trace.get("_TRACER_PROVIDER", ...) is None and metrics.get("_METER_PROVIDER", ...) is None:
            return False  # the public functions agree, but read the environment on each call
        return any(map(_is_more_than_api, _providers()))

    async def _traced(self, call: Call, proceed: Next) -> Reply:
        otel = self._instruments()
        record = record_of(call)
        operation = _operation(call)
        common: dict[str, Any] = {
            NAMES["operation"]: operation,
            CONVENTIONS[self.convention]["provider"]: self.provider,
        }
        if record.model is not None:
            common[NAMES["request_model"]] = record.model
        span = otel.tracer.start_span(
            f"{operation} {record.model}" if record.model else operation,
            kind=otel.client,
            attributes={**common, **self._asked(call)},
        )

        async def attempted(attempt: Attempt) -> None:
            if attempt.error is not None:
                about: dict[str, Any] = {"number": attempt.number, "seconds": attempt.seconds}
                about[NAMES["error_type"]] = type(attempt.error).__name__
                span.add_event("ai_client.attempt", about)

        async def done(outcome: Outcome) -> None:
            self._finish(otel, call, span, common, outcome)

        with otel.within(span, http_spans=self.http_spans):
            return await observed(call, proceed, done, attempt=attempted)

    def _asked(self, call: Call) -> dict[str, Any]:
        body = members_of(call.body)
        asked: dict[str, Any] = {
            attribute: value
            for name, attribute in ASKED.items()
            if isinstance(value := body.get(name), int | float) and not isinstance(value, bool)
        }
        names = CONVENTIONS[self.convention]
        if call.stream is not None and "stream" in names:
            asked[names["stream"]] = True
        if call.path in APIS and "api" in names:
            asked[names["api"]] = APIS[call.path]
        if self.redaction.content and (prompt := prompt_of(call)) is not None:
            asked[NAMES["input_messages"]] = to_json(self.redaction.value(prompt)).decode()
        return asked

    def _finish(
        self, otel: _Instruments, call: Call, span: Any, common: Mapping[str, Any], outcome: Outcome
    ) -> None:
        record, error = outcome.record, outcome.error
        names = CONVENTIONS[self.convention]
        measured = dict(common)
        if outcome.reply is not None and span.is_recording():
            span.set_attributes(_answered(outcome.reply))
        if error is not None:
            measured[NAMES["error_type"]] = type(error).__name__
            span.set_attribute(NAMES["error_type"], type(error).__name__)
            span.set_status(otel.failed, self.redaction.error(error))
        usage = known(record.usage)
        if usage is not None:
            if usage.model is not None:
                measured[NAMES["response_model"]] = usage.model
                span.set_attribute(NAMES["response_model"], usage.model)
            for kind, count in (("input", usage.input), ("output", usage.output)):
                span.set_attribute(NAMES[f"{kind}_tokens"], count)
                otel.tokens.record(count, {**measured, NAMES["token_type"]: kind})
            parts = {names[part]: getattr(usage, part) for part in PARTS if part in names}
            span.set_attributes({name: count for name, count in parts.items() if count})
        if record.first_item is not None and "first_chunk" in names:
            span.set_attribute(names["first_chunk"], record.first_item)
            otel.first_chunk.record(record.first_item, measured)
        otel.duration.record(outcome.seconds, measured)
        if not span.is_recording():
            return  # tracing is not set up
        own = {
            "attempts": record.attempts,
            "cache": record.cache,
            "target": record.target,
            "usd": record.usd,
            "endpoint": record.labels.endpoint,
            "tenant": record.labels.tenant,
            "first_item_seconds": record.first_item,
        }
        span.set_attributes({f"ai_client.{name}": value for name, value in own.items() if value is not None})
        if self.redaction.content and (said := completion_of(outcome)) is not None and call.stream is None:
            span.set_attribute(NAMES["output_messages"], to_json(self.redaction.value(said)).decode())
        span.end()


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


def _operation(call: Call) -> str:
    path = call.path.partition("?")[0]
    known_one = next((name for end, name in OPERATIONS.items() if path.endswith(end)), None)
    return (
        known_one or "_".join(part for part in path.split("/") if part.replace("_", "").isalpha()) or "call"
    )


def _answered(reply: Reply) -> dict[str, Any]:
    """Return span attributes of a response: the server, and for a whole response its id and finish reasons."""
    request = reply.response.request
    found: dict[str, Any] = {NAMES["server_address"]: request.url.host}
    if request.url.port is not None:
        found[NAMES["server_port"]] = request.url.port
    content = getattr(reply.response, "_content", None)
    if not isinstance(content, bytes) or len(content) > 1_000_000:  # noqa: PLR2004 - as large as this are vectors, which have no finish reason
        return found
    try:
        answer = members_of(from_json(content))
    except ValueError:
        return found
    if isinstance(answer.get("id"), str):
        found[NAMES["response_id"]] = answer["id"]
    choices: Any = answer.get("choices")
    if isinstance(choices, list):
        reasons = [members_of(choice).get("finish_reason") for choice in cast("list[Any]", choices)]
        found[NAMES["finish_reasons"]] = [reason for reason in reasons if isinstance(reason, str)]
    return found
