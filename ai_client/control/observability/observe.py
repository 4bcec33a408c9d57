"""Observe a call from its start to the end of its stream, for hooks, logs and traces."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.record import Attempt, Record
from ..._call.usage import Meter
from ..pricing.meter import metered, usage_of
from ..record import record_of


@dataclass(slots=True)
class Outcome:
    """How a call ended.

    Attributes:
        record: The record of the call.
        seconds: Its duration, including the stream.
        error: The exception, where it failed.
        complete: Whether a stream was read to its end; always true for a whole response.
        reply: The response, where there is one.
    """

    record: Record
    seconds: float
    error: BaseException | None
    complete: bool
    reply: Reply | None


async def observed(
    call: Call,
    proceed: Next,
    done: Callable[[Outcome], Coroutine[Any, Any, None]],
    *,
    attempt: Callable[[Attempt], Awaitable[None]] | None = None,
    answers: bool = True,
) -> Reply:
    """Send a call; await *attempt* after each attempt and *done* when the call ends. Neither may raise.

    With `answers=False`, *done* is not awaited for a whole response, only for failures and streams.
    """
    record = call.record or record_of(call)
    if attempt is not None:
        record.on_attempt.append(attempt)
    try:
        reply = await proceed(call)
    except BaseException as error:
        await call.io.carry_through(done(Outcome(record, record.seconds, error, complete=False, reply=None)))
        raise
    finally:
        if attempt is not None:
            record.on_attempt.remove(attempt)  # a policy further out may ask again
    is_whole = call.is_whole
    if answers or not is_whole:
        record.request_id = reply.answer.header("x-request-id")
    is_measured = record.cache in {None, "miss"} and (record.attempts or not reply.is_made)
    if not is_measured:
        record.usage = None  # the tokens are those of another call, or of none
    if not is_whole:
        _watch(reply, record, done, metered(call, call, reply) if is_measured else None)
        return reply
    if is_measured:
        record.usage = reply.usage or usage_of(call, reply, record)
    if answers:
        await done(Outcome(record, record.seconds, None, complete=True, reply=reply))
    return reply


def _watch(
    reply: Reply,
    record: Record,
    done: Callable[[Outcome], Coroutine[Any, Any, None]],
    meter: Meter | None,
) -> None:
    """Have *done* hear of the end of a stream."""

    def see(data: bytes) -> None:
        del data
        if record.first_item is None:
            record.first_item = record.seconds

    async def at_end(end: StreamEnd) -> None:
        if meter is not None:
            meter.usage()
        await done(Outcome(record, record.seconds, end.error, complete=end.complete, reply=reply))

    reply.on_event.append(see)
    reply.on_end.append(at_end)
