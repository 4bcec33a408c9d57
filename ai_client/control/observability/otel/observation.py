"""One call as it is traced and measured, from its start to the end of its stream."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ...._call.call import Call, Reply, StreamEnd
from ...._call.record import Attempt, Record
from ...._call.usage import Usage
from ..observe import Outcome
from .answers import Facts, StreamEvents, facts_of
from .instruments import Instruments
from .locations import OLD_NAMES, SPEAKS_OPENAI, Location, location_of
from .masking import masked
from .measuring import Measured, measure, pace_of
from .messages import content_of
from .operations import CHAT, COMPLETION, EMBEDDINGS, api_of, operation_of
from .outputs import messages_of, streamed_messages
from .request import attributes_of, service_tier_in
from .settings import TelemetrySettings
from .values import clean, fitted, latest

logger = logging.getLogger("ai_client")
_PARTS = {
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "cache_written": "gen_ai.usage.cache_write.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
    "audio_input": "gen_ai.usage.audio.input_tokens",
    "image_input": "gen_ai.usage.image.input_tokens",
    "audio_output": "gen_ai.usage.audio.output_tokens",
    "image_output": "gen_ai.usage.image.output_tokens",
}
"""Attributes of kinds of tokens, which are set where there are any."""


class Observation:
    """The span of a call and what is measured of it. Nothing that fails in it fails the call.

    Args:
        otel: The tracer and the instruments.
        settings: The options of the policy.
        call, record: The call and its record.
    """

    def __init__(self, otel: Instruments, settings: TelemetrySettings, call: Call, record: Record) -> None:
        self._otel = otel
        self._settings = settings
        self._call = call
        self._record = record
        self._operation = operation = operation_of(call.method, call.path)
        self._events: StreamEvents | None = None
        self._token: Any = None
        self._body: Mapping[str, Any] = {}
        self._speaks_openai = False
        self._has_failed = False
        started = self._common(location_of(call, record, settings.provider))
        self._span: Any = otel.tracer.start_span(
            _name(operation, record.model), kind=otel.client, attributes=clean(started, settings.changes)
        )
        self._is_recording: bool = self._span.is_recording()
        self.context = otel.context_of(self._span, http_spans=settings.http_spans)
        if self._is_recording:
            self._shielded(self._describe)

    def _common(self, place: Location) -> dict[str, Any]:
        """Return the attributes that spans and metrics share, as far as they are known."""
        record, provider = self._record, place.provider
        if self._settings.version == "1.36":
            provider = OLD_NAMES.get(provider, provider)
        return {
            "gen_ai.operation.name": self._operation,
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": record.target_model or record.model,
            "server.address": place.host,
            "server.port": None if place.host is None else place.port,
        }

    def _describe(self) -> None:
        """Add what the request says to the span."""
        settings = self._settings
        self._body = self._call.members()
        found = attributes_of(self._call, self._body, self._operation, settings.redaction)
        self._span.set_attributes(clean(found, settings.changes))
        if settings.redaction.content:
            self._shielded(self._add_content, self._call)

    def _add_content(self, call: Call) -> None:
        for name, items in content_of(call, self._operation).items():
            self._set_content(name, items)

    def _set_content(self, name: str, items: Any) -> None:
        settings = self._settings
        named = settings.changes.get(name, name)
        if named is not None and items:
            kept = masked(latest(items, settings.max_content), settings.redaction)
            self._span.set_attribute(named, fitted(kept, settings.max_content))

    def traced(self, call: Call) -> Call:
        """Return a call with the headers of its trace, unless it has its own."""
        headers = call.headers or {}
        if any(name.lower() == "traceparent" for name in headers):
            return call
        added: dict[str, str] = {}
        self._shielded(lambda: added.update(self._otel.headers(self.context)))
        return call.changed(headers={**headers, **added}) if added else call

    async def attempted(self, attempt: Attempt) -> None:
        """Add an event for an attempt that failed."""
        if attempt.error is not None and self._is_recording:
            self._shielded(self._add_attempt, attempt, attempt.error)

    def _add_attempt(self, attempt: Attempt, error: Exception) -> None:
        about = {
            "number": attempt.number,
            "seconds": attempt.seconds,
            "error.type": type(error).__name__,
            "http.response.status_code": getattr(error, "status_code", None),
            "pause": attempt.pause,
            "target": self._record.target,
        }
        self._span.add_event("ai_client.attempt", clean(about, {}))

    def follow(self, reply: Reply) -> None:
        """Watch a stream, and have the span current again while its end is settled, for hooks and logs."""
        settings = self._settings
        if self._call.session:
            return
        pace = pace_of(self._otel, settings.version, self._operation) if settings.chunk_times else None
        keeps = self._is_recording and settings.redaction.content
        self._events = events = StreamEvents(keeps=keeps, waited=None if pace is None else self._pacer(pace))
        reply.on_event.append(events.see)

        async def enter(end: StreamEnd) -> None:
            del end
            self._token = self._otel.enter(self.context)

        reply.on_end.insert(0, enter)

    def _pacer(self, pace: Any) -> Callable[[float], None]:
        """Return a function that measures the time between two events, under what is known since the first."""
        attributes: dict[str, Any] = {}

        def waited(seconds: float) -> None:
            if not attributes:
                attributes.update(clean(self._known(self._facts_of_events()), self._settings.changes))
            pace.record(seconds, attributes)

        return lambda seconds: self._shielded(waited, seconds)

    async def done(self, outcome: Outcome) -> None:
        """Finish the span and record the measurements."""
        if (token := self._token) is not None:
            self._token = None
            self._shielded(self._otel.leave, token)
        self._shielded(self._finish, outcome)
        self._shielded(self._span.end)

    def _known(self, facts: Facts) -> dict[str, Any]:
        """Return the attributes that spans and metrics share, once there is an answer or a failure."""
        place = location_of(self._call, self._record, self._settings.provider)
        common = self._common(place)
        common["gen_ai.response.model"] = facts.model
        common["ai_client.cache"] = self._record.cache
        if place.provider in SPEAKS_OPENAI:
            common["openai.api.type"] = api_of(self._operation, self._call.path)
            common["openai.response.service_tier"] = facts.service_tier
            common["openai.response.system_fingerprint"] = facts.fingerprint
            self._speaks_openai = True
        return common

    def _finish(self, outcome: Outcome) -> None:
        record, error, settings = self._record, outcome.error, self._settings
        facts = self._facts(outcome)
        # what is fetched again was counted when it was made
        usage = record.usage if self._call.method != "GET" or self._call.session else None
        if usage is not None:
            facts.model = usage.model or facts.model
            facts.service_tier = facts.service_tier or usage.service_tier
        common = self._known(facts)
        common["error.type"] = None if error is None else type(error).__name__
        attributes = clean(common, settings.changes)
        if self._is_recording:
            self._shielded(self._complete, outcome, attributes, facts, usage)
        reported = usage if usage is not None and usage.source == "reported" else None
        first = None if self._events is None else record.first_item
        measured = Measured(self._operation, outcome.seconds, reported, first, record.nano_usd)
        measure(self._otel, settings.version, measured, attributes)

    def _facts(self, outcome: Outcome) -> Facts:
        if self._events is not None:
            return self._facts_of_events()
        if outcome.reply is not None and self._call.is_whole:
            return facts_of(outcome.reply, self._operation)
        return Facts()

    def _facts_of_events(self) -> Facts:
        asked = self._body.get("n")
        assert self._events is not None  # noqa: S101 - as it is a stream
        return self._events.facts(self._operation, asked if isinstance(asked, int) else 1)

    def _complete(
        self, outcome: Outcome, attributes: dict[str, Any], facts: Facts, usage: Usage | None
    ) -> None:
        """Add to the span what the answer says and how the call went."""
        record, span, settings = self._record, self._span, self._settings
        if outcome.error is not None:
            span.set_status(self._otel.failed, settings.redaction.error(outcome.error))
        if record.target_model is not None and record.target_model != record.model:
            span.update_name(_name(self._operation, record.target_model))
        found = {
            "gen_ai.response.id": facts.id,
            "gen_ai.response.finish_reasons": facts.reasons or None,
            "gen_ai.response.time_to_first_chunk": None if self._events is None else record.first_item,
            "gen_ai.embeddings.dimension.count": facts.dimensions,
            "gen_ai.conversation.id": facts.conversation,
            "ai_client.target": record.target,
            "ai_client.alias": record.alias,
            "ai_client.attempts": record.attempts,
            "ai_client.usd": record.usd,
            "ai_client.endpoint": record.labels.endpoint,
            "ai_client.tenant": record.labels.tenant,
            "ai_client.first_item_seconds": record.first_item,
            "ai_client.complete": None if self._call.stream is None else outcome.complete,
            **self._tokens(usage),
        }
        if self._speaks_openai:
            found["openai.request.service_tier"] = service_tier_in(self._body)
        span.set_attributes({**attributes, **clean(found, settings.changes)})
        if settings.redaction.content and outcome.reply is not None:
            if self._events is not None:
                self._set_output(streamed_messages(self._events, facts.reasons))
            elif self._call.is_whole and self._operation != EMBEDDINGS:
                self._set_output(messages_of(outcome.reply, facts.reasons))

    def _set_output(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if self._settings.version == "latest" or self._operation not in {CHAT, COMPLETION}:
                del message["finish_reason"]
        self._set_content("gen_ai.output.messages", messages)

    def _tokens(self, usage: Usage | None) -> dict[str, Any]:
        """Return the attributes for tokens; estimates are not what the conventions mean and have names of their own."""
        if usage is None or usage.source == "unknown":
            return {}
        if usage.source == "estimated":
            return {
                "ai_client.estimated.input_tokens": usage.input,
                "ai_client.estimated.output_tokens": usage.output,
            }
        found = {name: count for part, name in _PARTS.items() if (count := getattr(usage, part))}
        found["gen_ai.usage.input_tokens"] = usage.input
        if self._operation != EMBEDDINGS:
            found["gen_ai.usage.output_tokens"] = usage.output
        return found

    def _shielded(self, function: Any, *args: Any) -> None:
        """Call a function; what it raises does not reach the call, and the first of it is logged."""
        try:
            function(*args)
        except Exception:
            if not self._has_failed:
                self._has_failed = True
                logger.exception("Telemetry failed; the call is not affected.")


def _name(operation: str, model: str | None) -> str:
    return f"{operation} {model}" if model else operation
