"""Failures of targets: a name for each, and the choice of those that lead to the next target."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, TypeAlias

from ...errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    BudgetExceeded,
    ConfigError,
    DeadlineExceededError,
    LimitExceeded,
    QueueFull,
    RateLimitExceeded,
    UnknownPriceError,
    members_of,
)

Failure: TypeAlias = Literal[
    "connection",
    "timeout",
    "conflict",
    "rate_limit",
    "quota",
    "server_error",
    "budget",
    "unpriced",
    "own_rate_limit",
    "queue_full",
    "auth",
    "not_found",
    "context_length",
    "content_filter",
    "bad_request",
]
FAILURES: Mapping[Failure, str] = {
    "connection": "The server cannot be reached, or breaks the connection off.",
    "timeout": "The answer does not come within `timeout`, or is 408. After the call's `deadline` nothing is tried.",
    "conflict": "409.",
    "rate_limit": "429, and the limits that the upstream announces (`rate_limit_options.upstream`).",
    "quota": "402, and codes of accounts that are used up, such as `insufficient_quota`.",
    "server_error": "500 and above, an error as the first event of a stream, and what is no answer of the API.",
    "budget": "A hard budget of yours has no room for the call at this target: `BudgetExceeded`.",
    "unpriced": "A hard budget in USD cannot count the call, as the target's price is unknown: `UnknownPriceError`.",
    "own_rate_limit": "One of your `rate_limits` has no room. Choose it where they count by `model`.",
    "queue_full": "`concurrency` has no room. Its places are for all targets of an account together.",
    "auth": "401 and 403: the key is wrong, or may not do this.",
    "not_found": "404: no such model, deployment or path.",
    "context_length": "413, and 400 or 422 that say that the request is too long for the model.",
    "content_filter": "The target's content filter rejects the request.",
    "bad_request": "400, 422 and any other status below 500.",
}
"""The description of each failure."""
DEFAULT_FAILURES: tuple[Failure, ...] = (
    "connection",
    "timeout",
    "conflict",
    "rate_limit",
    "quota",
    "server_error",
    "budget",
    "unpriced",
)
_OF_THE_REQUEST = frozenset[Failure | None]({"conflict", "context_length", "content_filter", "bad_request"})
"""Failures that say nothing about the next request."""
_BY_STATUS: Mapping[int, Failure] = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "context_length",
    429: "rate_limit",
}
_BY_CODE: Mapping[object, Failure] = {
    "billing_hard_limit_reached": "quota",
    "billing_not_active": "quota",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "image_content_policy_violation": "content_filter",
    "insufficient_quota": "quota",
    "moderation_blocked": "content_filter",
    "rate_limit_exceeded": "rate_limit",
}
_BAD_REQUESTS = frozenset({400, 422})
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size|limit)|(?:prompt|input|request|messages) is too long"
    r"|too many (?:input |prompt )?tokens|(?:input|prompt) tokens exceed|too large for model",
    re.IGNORECASE,
)
_FIRST, _LAST, _SERVER_ERROR = 400, 599, 500


def failure_of(error: BaseException) -> Failure | None:
    """Return what failed at a target; `None` where that is no failure of a target."""
    if isinstance(error, LimitExceeded | UnknownPriceError):
        return _refusal(error)
    if not isinstance(error, APIError) or isinstance(error, DeadlineExceededError):
        return None
    return _BY_CODE.get(error.code) or _BY_CODE.get(error.type) or _by_kind(error)


def _by_kind(error: APIError) -> Failure:
    """Return what failed by the class of an error, its status, and what the server says."""
    if isinstance(error, APITimeoutError):
        return "timeout"
    if isinstance(error, APIConnectionError):
        return "connection"
    status = _status(error)
    if status >= _SERVER_ERROR:
        return "server_error"
    if status in _BAD_REQUESTS and _TOO_LONG.search(_said(error)):
        return "context_length"
    return _BY_STATUS.get(status, "bad_request")


def _refusal(error: LimitExceeded | UnknownPriceError) -> Failure | None:
    """Return what refused a call before it was sent."""
    if isinstance(error, RateLimitExceeded):
        return "own_rate_limit" if error.details else "rate_limit"
    if isinstance(error, BudgetExceeded):
        return "budget"
    if isinstance(error, QueueFull):
        return "queue_full"
    return "unpriced" if isinstance(error, UnknownPriceError) else None


def _status(error: APIError) -> int:
    """Return the status of an error, which one in a stream may give as its code; 500 where it has none."""
    if isinstance(error, APIStatusError):
        return error.status_code
    code = error.code or ""
    return int(code) if re.fullmatch("[45][0-9][0-9]", code) else _SERVER_ERROR


def _said(error: APIError) -> str:
    said = members_of(error.body).get("message")
    return said if isinstance(said, str) else str(error.body)


class Choice:
    """The failures that lead to the next target.

    Args:
        on: Their names, and HTTP statuses.

    Raises:
        ConfigError: One is no failure.
    """

    def __init__(self, on: Sequence[Failure | int]) -> None:
        if isinstance(on, str):
            raise ConfigError(f"fallback.on: expected a list of failures, such as [{on!r}].")
        for number, one in enumerate(on):
            _check(one, f"fallback.on[{number}]")
        self._names = frozenset[object](one for one in on if isinstance(one, str))
        self._statuses = frozenset(one for one in on if isinstance(one, int))

    def includes(self, error: BaseException) -> bool:
        """Return whether a failure leads to the next target."""
        if isinstance(error, APIStatusError) and error.status_code in self._statuses:
            return True
        return failure_of(error) in self._names

    def is_of_the_target(self, error: BaseException) -> bool:
        """Return whether a failure leads on and says that the target may fail with other calls too."""
        if isinstance(error, LimitExceeded | UnknownPriceError):  # which were not sent
            return False
        return failure_of(error) not in _OF_THE_REQUEST and self.includes(error)


def _check(one: object, where: str) -> None:
    if isinstance(one, int) and not isinstance(one, bool):
        if not _FIRST <= one <= _LAST:
            raise ConfigError(
                f"{where}: {one} is no status of a failure. Choose one from {_FIRST} to {_LAST}."
            )
    elif one not in FAILURES:
        near = get_close_matches(str(one).lower(), FAILURES, n=1)
        hint = (
            f"Did you mean {near[0]!r}?"
            if near
            else f"Choose a status from {_FIRST} to {_LAST}, or of {', '.join(FAILURES)}."
        )
        raise ConfigError(f"{where}: {one!r} is no failure. {hint}")
