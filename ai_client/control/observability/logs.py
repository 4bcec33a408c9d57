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

PREFIX = "ai_"
"""Prefix of all field names, so that none collides with an attribute of `logging.LogRecord`."""


@dataclass(frozen=True)
class Logs:
    """Logs each call when it has ended: `INFO` where it succeeded, `WARNING` where it failed.

    The fields are passed as `extra`, where JSON formatters and structlog find them: `ai_path`, `ai_model`,
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

    async def _logged(self, call: Call, proceed: Next, logger: logging.Logger) -> Reply:
        async def done(outcome: Outcome) -> None:
            failed = outcome.error is not None
            level = logging.WARNING if failed else logging.INFO
            if logger.isEnabledFor(level):
                fields = self._fields(call, outcome)
                text = "%s %s failed after %.3f s: %s" if failed else "%s %s answered in %.3f s"
                args: list[Any] = [call.shown_path, outcome.record.model, outcome.seconds]
                if outcome.error is not None:
                    args.append(self._said(outcome.error))
                logger.log(level, text, *args, extra=fields)

        return await observed(call, proceed, done, answers=logger.isEnabledFor(logging.INFO))

    def _said(self, error: BaseException) -> str:
        said = self.redaction.error(error)
        return f"{type(error).__name__}: {said}" if said else type(error).__name__

    def _fields(self, call: Call, outcome: Outcome) -> dict[str, Any]:
        record, error = outcome.record, outcome.error
        usage = known(record.usage)
        labels = record.labels
        fields: dict[str, Any] = {
            "path": call.shown_path,
            "model": record.model,
            "alias": record.alias,
            "target": record.target,
            "endpoint": labels.endpoint,
            "tenant": labels.tenant,
            "user": labels.user,
            "request_id": record.request_id or getattr(error, "request_id", None),
            "attempts": record.attempts,
            "lost_attempts": record.lost,
            "seconds": round(outcome.seconds, 6),
            "first_item_seconds": record.first_item,
            "input_tokens": usage and usage.input,
            "output_tokens": usage and usage.output,
            "cached_tokens": usage and usage.cached,
            "usage": None if record.usage is None else record.usage.source,
            "usd": record.usd,
            "cache": record.cache,
            "stream": call.stream is not None,
            "complete": outcome.complete,
            "error": None if error is None else type(error).__name__,
            "status": getattr(error, "status_code", None) or _status(outcome),
        }
        if self.redaction.content:
            fields["prompt"] = self.redaction.value(prompt_of(call))
            fields["completion"] = self.redaction.value(completion_of(outcome))
        return {PREFIX + name: value for name, value in fields.items()}


def _status(outcome: Outcome) -> int | None:
    return None if outcome.reply is None else outcome.reply.answer.status_code


def prompt_of(call: Call) -> Any:
    """Return the prompt of a call: its `messages`, `input` or `prompt`."""
    body = members_of(call.body)
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
