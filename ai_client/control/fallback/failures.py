"""Failures of targets by name, and which of them lead to the next target."""

from typing import Literal, TypeAlias

from ...errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    DeadlineExceededError,
    OpenAIError,
    RateLimitExceeded,
)

Failure: TypeAlias = Literal[
    "connection", "timeout", "rate_limit", "server_error", "not_found", "content_filter"
]
FAILURES: tuple[Failure, ...] = (
    "connection",
    "timeout",
    "rate_limit",
    "server_error",
    "not_found",
    "content_filter",
)
_NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 404, 429, 500


def failure_of(error: OpenAIError) -> Failure | None:
    """Return what failed at a target; `None` where it is not the target's failure."""
    kind: Failure | None = None
    if isinstance(error, DeadlineExceededError):
        kind = None  # no time is left for another target
    elif isinstance(error, APITimeoutError):
        kind = "timeout"
    elif isinstance(error, APIConnectionError):
        kind = "connection"
    elif isinstance(error, RateLimitExceeded):
        kind = (
            None if error.details else "rate_limit"
        )  # the application's own limit is not the target's failure
    elif isinstance(error, APIStatusError):
        if error.code in {"content_filter", "content_policy_violation"}:
            kind = "content_filter"
        elif error.status_code >= _SERVER_ERROR:
            kind = "server_error"
        else:
            by_status: dict[int, Failure] = {_NOT_FOUND: "not_found", _TOO_MANY: "rate_limit"}
            kind = by_status.get(error.status_code)
    elif isinstance(error, APIError):
        kind = "server_error"
    return kind
