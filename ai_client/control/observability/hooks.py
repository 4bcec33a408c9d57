"""Callbacks of the application for calls, attempts, results and errors."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.record import Attempt, Record
from ..._call.usage import Usage
from ..._io import IO
from ..record import record_of
from .observe import Outcome, observed
from .redaction.policy import Redaction

logger = logging.getLogger("ai_client")


@dataclass(frozen=True, slots=True)
class CallDetails:
    """A call that is about to be sent.

    Attributes:
        method, path: Of the request.
        model: The requested model.
        endpoint, tenant, user: Labels of the call.
        stream: Whether the response is streamed.
        body: The request body, redacted; `None` unless `Redaction(content=True)`.
    """

    method: str
    path: str
    model: str | None
    endpoint: str | None
    tenant: str | None
    user: str | None
    stream: bool
    body: Any


@dataclass(frozen=True, slots=True)
class AttemptDetails:
    """One attempt of a call, after it has ended.

    Attributes:
        call: The call.
        number: 1 for the first.
        seconds: Its duration.
        error: Class name of the error, `None` where it succeeded.
        pause: Seconds until the next attempt, `None` where there is none.
    """

    call: CallDetails
    number: int
    seconds: float
    error: str | None
    pause: float | None


@dataclass(frozen=True, slots=True)
class ResultDetails:
    """A call that succeeded; for a stream, after it has ended.

    Attributes:
        call: The call.
        seconds: Total duration.
        first_item: Seconds until the first item of a stream.
        attempts: Attempts made, 0 for a cache hit.
        request_id: The response's `x-request-id`.
        target: The fallback target that answered, where a fallback is configured.
        cache: `hit`, `miss`, `shared` or `stale`, where a cache is configured.
        usage, usd: Tokens and cost, `None` where unknown.
        complete: Whether a stream was read to its end.
        cache_key: The key under which the cache keeps the answer, or would.
    """

    call: CallDetails
    seconds: float
    first_item: float | None
    attempts: int
    request_id: str | None
    target: str | None
    cache: str | None
    usage: Usage | None
    usd: float | None
    complete: bool
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """A call that failed, or a stream that broke off.

    Attributes:
        call: The call.
        seconds: Its duration.
        attempts: Attempts made.
        error: Class name of the exception.
        message: Its message, redacted.
        status: The HTTP status, where there was a response.
        request_id: The response's `x-request-id`, where there was a response.
    """

    call: CallDetails
    seconds: float
    attempts: int
    error: str
    message: str
    status: int | None
    request_id: str | None


Hook = Callable[[Any], Any]
"""A function or coroutine function that takes a details object; its return value is ignored."""


@dataclass(frozen=True)
class Hooks:
    """Calls functions of the application. An exception in a hook is logged and never fails a call.

    A coroutine function is awaited; the sync client runs it on an event loop of its own, which is slower.

    Args:
        on_call: Takes `CallDetails` before a call.
        on_attempt: Takes `AttemptDetails` after each attempt.
        on_result: Takes `ResultDetails` once a call has succeeded, or its stream has ended.
        on_error: Takes `ErrorDetails` once a call has failed or was cancelled.
        redaction: What the hooks may see.
    """

    on_call: Hook | Sequence[Hook] = ()
    on_attempt: Hook | Sequence[Hook] = ()
    on_result: Hook | Sequence[Hook] = ()
    on_error: Hook | Sequence[Hook] = ()
    redaction: Redaction = field(default_factory=Redaction)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and run the hooks."""
        is_heard = self.on_call or self.on_attempt or self.on_result or self.on_error
        return self._told(call, proceed) if is_heard else proceed(call)

    async def _told(self, call: Call, proceed: Next) -> Reply:
        record = record_of(call)
        details = details_of(call, record, self.redaction)
        io = call.io
        await _tell(io, self.on_call, details)

        async def attempted(attempt: Attempt) -> None:
            error = None if attempt.error is None else type(attempt.error).__name__
            told = AttemptDetails(details, attempt.number, attempt.seconds, error, attempt.pause)
            await _tell(io, self.on_attempt, told)

        async def done(outcome: Outcome) -> None:
            if outcome.error is None:
                await _tell(io, self.on_result, _result(details, outcome))
            else:
                await _tell(io, self.on_error, _error(details, outcome, outcome.error, self.redaction))

        return await observed(call, proceed, done, attempt=attempted if self.on_attempt else None)


def details_of(call: Call, record: Record, redaction: Redaction) -> CallDetails:
    """Build the details of a call, redacted."""
    labels = record.labels
    body = redaction.value(call.members()) if redaction.content else None
    return CallDetails(
        call.method,
        call.shown_path,
        record.model,
        labels.endpoint,
        labels.tenant,
        labels.user,
        call.stream is not None,
        body,
    )


def _result(details: CallDetails, outcome: Outcome) -> ResultDetails:
    record = outcome.record
    return ResultDetails(
        details,
        outcome.seconds,
        record.first_item,
        record.attempts,
        record.request_id,
        record.target,
        record.cache,
        known(record.usage),
        record.usd,
        outcome.complete,
        record.cache_key,
    )


def _error(
    details: CallDetails, outcome: Outcome, error: BaseException, redaction: Redaction
) -> ErrorDetails:
    return ErrorDetails(
        details,
        outcome.seconds,
        outcome.record.attempts,
        type(error).__name__,
        redaction.error(error),
        getattr(error, "status_code", None),
        getattr(error, "request_id", None) or outcome.record.request_id,
    )


def known(usage: Usage | None) -> Usage | None:
    """Return *usage*, or `None` where its source is `unknown`."""
    return None if usage is None or usage.source == "unknown" else usage


async def _tell(io: IO, hooks: Hook | Sequence[Hook], details: object) -> None:
    for hook in (hooks,) if callable(hooks) else hooks:
        try:
            await io.complete(hook, details)
        except Exception:
            name = getattr(hook, "__qualname__", type(hook).__name__)
            logger.exception("The hook %s failed; the call is not affected.", name)
