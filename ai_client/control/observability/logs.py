"""One structured log record per call."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ...errors import members_of
from .hooks import known
from .observe import Outcome, observed
from .redaction.policy import Redaction


@dataclass(frozen=True)
class Logs:
    """Logs each call when it has ended: `INFO` where it succeeded, `WARNING` where it failed.

    The fields are attributes of the record, where JSON formatters and structlog find them: `ai_path`, `ai_model`,
    `ai_endpoint`, `ai_tenant`, `ai_user`, `ai_request_id`, `ai_attempts`, `ai_lost_attempts`, `ai_seconds`,
    `ai_first_item_seconds`, `ai_input_tokens`, `ai_output_tokens`, `ai_cached_tokens`, `ai_usage`, `ai_usd`,
    `ai_cache`, `ai_target`, `ai_alias`, `ai_stream`, `ai_complete`, `ai_error`, `ai_status`; and with
    `Redaction(content=True)` `ai_prompt` and `ai_completion`. Unknown fields are `None`.

    Args:
        logger: The name of the logger.
        redaction: What the records may show.
    """

    logger: str = "ai_client.calls"
    redaction: Redaction = field(default_factory=Redaction)
    _logger: logging.Logger = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_logger", logging.getLogger(self.logger))

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and log its outcome."""
        logger = self._logger
        return self._logged(call, proceed, logger) if logger.isEnabledFor(logging.WARNING) else proceed(call)

    def _logged(self, call: Call, proceed: Next, logger: logging.Logger) -> Awaitable[Reply]:
        answers = logger.isEnabledFor(logging.INFO)

        async def done(outcome: Outcome) -> None:
            level, text, error = logging.INFO, "%s %s answered in %.3f s", outcome.error
            args: tuple[Any, ...] = (call.shown_path, outcome.record.model, outcome.seconds)
            if error is not None:
                level, text = logging.WARNING, "%s %s failed after %.3f s: %s"
                args += (self._said(error),)
            if answers or error is not None:
                record = logger.makeRecord(logger.name, level, __file__, _LINE, text, args, None, "_logged")
                # Each item of `extra` would be compared with the names of the record first, which none begins as.
                self._describe(call, outcome, record.__dict__)
                logger.handle(record)

        return observed(call, proceed, done, answers=answers)

    def _said(self, error: BaseException) -> str:
        said = self.redaction.error(error)
        return f"{type(error).__name__}: {said}" if said else type(error).__name__

    def _describe(self, call: Call, outcome: Outcome, fields: dict[str, Any]) -> None:
        """Add the fields of the call to those of a log record, one by one: another dictionary takes as long again."""
        record, error = outcome.record, outcome.error
        usage = known(record.usage)
        endpoint, tenant, user = record.labels
        reply = outcome.reply
        fields["ai_path"] = call.shown_path
        fields["ai_model"] = record.model
        fields["ai_alias"] = record.alias
        fields["ai_target"] = record.target
        fields["ai_endpoint"] = endpoint
        fields["ai_tenant"] = tenant
        fields["ai_user"] = user
        fields["ai_request_id"] = record.request_id
        fields["ai_attempts"] = record.attempts
        fields["ai_lost_attempts"] = record.lost
        fields["ai_seconds"] = int(outcome.seconds * 1e6 + 0.5) / 1e6
        fields["ai_first_item_seconds"] = record.first_item
        fields["ai_input_tokens"] = usage and usage.input
        fields["ai_output_tokens"] = usage and usage.output
        fields["ai_cached_tokens"] = usage and usage.cached
        fields["ai_usage"] = None if record.usage is None else record.usage.source
        fields["ai_usd"] = record.usd
        fields["ai_cache"] = record.cache
        fields["ai_stream"] = call.stream is not None
        fields["ai_complete"] = outcome.complete
        fields["ai_error"] = None
        fields["ai_status"] = None if reply is None else reply.answer.status_code
        if error is not None:
            fields["ai_error"] = type(error).__name__
            fields["ai_status"] = getattr(error, "status_code", None) or fields["ai_status"]
            fields["ai_request_id"] = record.request_id or getattr(error, "request_id", None)
        if self.redaction.content:
            fields["ai_prompt"] = self.redaction.value(prompt_of(call))
            fields["ai_completion"] = self.redaction.value(completion_of(outcome))


_LINE = Logs._logged.__code__.co_firstlineno


def prompt_of(call: Call) -> Any:
    """Return the prompt of a call: its `messages`, `input` or `prompt`."""
    body = call.members()
    return next((body[name] for name in ("messages", "input", "prompt") if name in body), None)


def completion_of(outcome: Outcome) -> Any:
    """Return the completion in a response that was read whole; `None` for a stream, of which nothing is kept."""
    content = None if outcome.reply is None else outcome.reply.answer.content_if_read
    if content is None:
        return None
    try:
        answer = members_of(from_json(content))
    except ValueError:
        return None
    return next((answer[name] for name in ("choices", "output", "text") if name in answer), None)
