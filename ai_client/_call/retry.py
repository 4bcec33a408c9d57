"""The retry loop: transient failures only, with full jitter and the server's `Retry-After`."""

import email.utils
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from .._io.deadline import remaining
from .._libraries import httpx
from ..errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    ClientClosedError,
    DeadlineExceededError,
)
from .call import Call, Reply

INITIAL_DELAY = 0.5
MAX_DELAY = 8.0
MAX_RETRY_AFTER = 120.0
_TRANSIENT = frozenset({408, 409, 429})
_SERVER_ERROR = 500
_TERMINAL_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})

logger = logging.getLogger("ai_client")

Attempt = Callable[[int, bool], Awaitable[Reply]]
"""Attempts a call once; the number counts the attempts before it, the flag forbids a kept connection."""


class _Waiting:
    factor = 1.0


@contextmanager
def no_waiting() -> Generator[None]:
    """Retry at once inside this block, for tests."""
    _Waiting.factor = 0.0
    try:
        yield
    finally:
        _Waiting.factor = 1.0


async def retry(call: Call, attempt: Attempt, max_retries: int) -> Reply:
    """Attempt *call*; retry transient failures at most *max_retries* times and within the deadline."""
    taken = 0
    fresh = False
    record = call.record
    while True:
        began = time.monotonic()
        if record is not None:
            record.attempts += 1
            if record.trace is not None:
                record.trace.begin(began)
        try:
            reply = await attempt(taken, fresh)
        except BaseException as error:
            pause = await _failed(call, error, began, taken, max_retries)
            if pause is None:
                raise
            # a kept connection may have ended under the request, and others be at their end too
            fresh = isinstance(error, APIConnectionError)
        else:
            if record is not None:
                record.answered += 1
                record.billable += 1
                record.reached += 1
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug(
                    "%s %s: attempt %d answered %d",
                    call.method,
                    call.shown_path,
                    taken + 1,
                    reply.answer.status_code,
                )
            if record is not None and record.on_attempt:
                try:
                    await record.attempted(began, None, None)
                except BaseException as error:
                    await reply.abandon(call.io, error)
                    raise
            return reply
        taken += 1
        await call.io.sleep(pause * _Waiting.factor)


async def _failed(
    call: Call, error: BaseException, began: float, taken: int, max_retries: int
) -> float | None:
    """Note a failed attempt; return the seconds until the next one, or `None` where there is none."""
    record = call.record
    if record is not None:
        if may_be_billed(error):
            record.lost += 1
            record.billable += 1
            record.reached += 1
        elif isinstance(error, APIStatusError | APIResponseValidationError):
            record.reached += 1
    if not isinstance(error, APIConnectionError | APIStatusError | APIResponseValidationError):
        return None
    pause = await _allowed_pause(call, error, taken) if taken < max_retries else None
    if record is not None:
        record.note_failed(error, is_retried=pause is not None)
        if record.on_attempt:
            await record.attempted(began, error, pause)
    _log(call, error, taken, pause, max_retries)
    return pause


def _pause(call: Call, error: APIError, taken: int) -> float | None:
    """Return the seconds to wait before another attempt, or `None` if a retry is useless, or another target is next."""
    if not is_transient(error) or (call.onward is not None and call.onward(error, taken)):
        return None
    pause = delay(error, taken)
    if call.deadline is not None and pause >= remaining(call.deadline):
        return None
    may_retry = None if call.record is None else call.record.may_retry
    if may_retry is not None and not may_retry():
        logger.info("%s %s: not tried again, the retry budget is used up", call.method, call.shown_path)
        return None
    return pause


async def _allowed_pause(call: Call, error: APIError, taken: int) -> float | None:
    """Return the seconds to wait before another attempt, or `None` if a retry is useless or not permitted."""
    pause = _pause(call, error, taken)
    before_retry = None if call.record is None else call.record.before_retry
    if pause is None or before_retry is None or await before_retry():
        return pause
    logger.info("%s %s: not tried again, a budget has no room for it", call.method, call.shown_path)
    return None


def _log(call: Call, error: APIError, taken: int, pause: float | None, max_retries: int) -> None:
    then = "no further attempt" if pause is None else f"next in {pause:.2f} s"
    logger.info(
        "%s %s: attempt %d of %d failed (%s%s), %s",
        call.method,
        call.shown_path,
        taken + 1,
        max_retries + 1,
        _name(error),
        _fate(error),
        then,
    )


def may_be_billed(error: BaseException) -> bool:
    """Return whether a failed attempt may have reached the provider and be billed."""
    if isinstance(error, APIConnectionError | ClientClosedError):
        return _may_have_been_sent(error)
    if isinstance(error, APIResponseValidationError):
        return error.response.is_success  # an answer, though of no use
    return not isinstance(error, Exception) and getattr(error, "may_have_been_sent", True)  # interrupted


def _may_have_been_sent(error: BaseException) -> bool:
    """Return what the error, or the first of its causes that knows, says of its request; true where none does."""
    one: BaseException | None = error
    while one is not None:
        said: object = getattr(one, "may_have_been_sent", None)
        if said is not None:
            return bool(said)
        if type(one).__name__ in _NOT_SENT:
            return False
        one = one.__cause__
    return True


def is_transient(error: APIError) -> bool:
    """Return whether an error is transient: the same request may succeed a moment later."""
    if not isinstance(error, APIStatusError):
        cause = error.__cause__
        if getattr(cause, "is_for_good", False) or type(cause).__name__ == "UnsupportedProtocol":
            return False
        return isinstance(error, APIConnectionError) and not isinstance(error, DeadlineExceededError)
    if error.code in _TERMINAL_CODES or error.type in _TERMINAL_CODES:
        return False
    after = retry_after(error.response.headers)
    if after is not None and after > MAX_RETRY_AFTER:
        return False
    said = error.response.headers.get("x-should-retry")
    if said in {"true", "false"}:
        return bool(said == "true")
    return error.status_code in _TRANSIENT or error.status_code >= _SERVER_ERROR


def delay(error: APIError, taken: int) -> float:
    """Return the delay in seconds before the next attempt, after *taken* retries."""
    if isinstance(error, APIStatusError):
        after = retry_after(error.response.headers)
        if after is not None and 0 < after <= MAX_RETRY_AFTER:
            return after
    ceiling = min(INITIAL_DELAY * 2.0 ** min(taken, 10), MAX_DELAY)
    return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


def retry_after(headers: "Mapping[str, str] | httpx.Headers") -> float | None:
    """Read the seconds of `retry-after-ms` or `Retry-After` (RFC 9110, section 10.2.3: seconds or a date).

    Where there is neither, what litellm's proxy passes on of its provider's. What cannot be read counts as not said.
    """
    said = headers.get("retry-after") or headers.get("llm_provider-retry-after", "")
    for text, unit in ((headers.get("retry-after-ms", ""), 1000), (said, 1)):
        try:
            seconds = float(text) / unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return seconds
    try:
        date = email.utils.parsedate_tz(said)
        return None if date is None else email.utils.mktime_tz(cast("Any", date)) - time.time()
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError):
        return None  # no such date, which the standard library finds out in many ways


def _name(error: APIError) -> str:
    if isinstance(error, APIStatusError):
        return f"status {error.status_code}"
    return type(error.__cause__ or error).__name__


def _fate(error: APIError) -> str:
    if isinstance(error, APIStatusError):
        return ""
    return ", may have been sent" if _may_have_been_sent(error) else ", not sent"
