"""Functions of the application that hear of calls."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.record import Attempt, Record
from ..._call.usage import Usage
from ...errors import members_of
from ..record import record_of
from .observe import Outcome, observed
from .redaction.policy import Redaction

if TYPE_CHECKING:
    from ..._io import IO

logger = logging.getLogger("ai_client")


@dataclass(frozen=True, slots=True)
class CallDetails:
    """A call that is about to be made.

    Attributes:
        method, path: Of the request.
        model: The model asked for.
        endpoint, tenant, user: What and whom it is made for.
        stream: Whether the answer is streamed.
        body: The request, redacted; `None` unless `Redaction(content=True)`.
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
    """One attempt of a call, when its outcome is known.

    Attributes:
        call: The call.
        number: 1 for the first.
        seconds: How long it took.
        error: The class of what it failed with, `None` where it did not.
        pause: Seconds until the next attempt, `None` where there is none.
    """

    call: CallDetails
    number: int
    seconds: float
    error: str | None
    pause: float | None


@dataclass(frozen=True, slots=True)
class ResultDetails:
    """A call that was answered; of a stream, when it has ended.

    Attributes:
        call: The call.
        seconds: How long it took in all.
        first_item: Seconds to the first item of a stream.
        attempts: How often it was sent, 0 for an answer from the cache.
        request_id: The answer's `x-request-id`.
        target: What answered, where a fallback is configured.
        cache: What the cache did, where one is configured.
        usage, usd: Tokens and cost, `None` where not known.
        complete: Whether a stream was read to its end.
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


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """A call that failed, or a stream that broke.

    Attributes:
        call: The call.
        seconds: How long it took.
        attempts: How often it was sent.
        error: The class of the exception.
        message: What it says, redacted.
        status: The HTTP status, where there was one.
        request_id: The answer's `x-request-id`, where there was one.
    """

    call: CallDetails
    seconds: float
    attempts: int
    error: str
    message: str
    status: int | None
    request_id: str | None


Hook = Callable[[Any], Any]
"""A function or coroutine function that gets a details object; what it gives is not looked at."""


@dataclass(frozen=True)
class Hooks:
    """Calls functions of the application; one that fails is logged and never fails a call.

    A coroutine function is awaited; the sync client runs it on a loop of its own, which takes longer.

    Args:
        on_call: Gets `CallDetails` before a call.
        on_attempt: Gets `AttemptDetails` after each attempt.
        on_result: Gets `ResultDetails` once a call is answered, or its stream has ended.
        on_error: Gets `ErrorDetails` once a call has failed, cancelled ones included.
        redaction: What they may see.
    """

    on_call: Hook | Sequence[Hook] = ()
    on_attempt: Hook | Sequence[Hook] = ()
    on_result: Hook | Sequence[Hook] = ()
    on_error: Hook | Sequence[Hook] = ()
    redaction: Redaction = field(default_factory=Redaction)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and tell of it."""
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
    """Describe a call as far as it may be seen."""
    labels = record.labels
    body = redaction.value(members_of(call.body)) if redaction.content else None
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
    """Give usage, `None` where it is not known."""
    return None if usage is None or usage.source == "unknown" else usage


async def _tell(io: "IO", hooks: Hook | Sequence[Hook], details: object) -> None:
    for hook in (hooks,) if callable(hooks) else hooks:
        try:
            await io.complete(hook, details)
        except Exception:
            name = getattr(hook, "__qualname__", type(hook).__name__)
            logger.exception("The hook %s failed; the call is not affected.", name)
