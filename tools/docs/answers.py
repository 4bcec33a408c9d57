"""The table of HTTP responses to each error, from `ai_client.web`."""

import logging

import httpx

from ai_client import errors
from ai_client.web import http_error

_REQUEST = httpx.Request("POST", "https://api.invalid/v1/chat/completions")


def _status(cls: type[errors.APIStatusError], status: int, code: str | None = None) -> errors.APIStatusError:
    response = httpx.Response(status, headers={"retry-after": "7"}, request=_REQUEST)
    return cls("", response=response, body={"code": code, "message": ""})


def _samples() -> list[tuple[str, Exception]]:
    return [
        ("`RateLimitExceeded`", errors.RateLimitExceeded("", retry_after=1)),
        ("`BudgetExceeded`", errors.BudgetExceeded("", retry_after=1)),
        ("`QueueFull`", errors.QueueFull("", retry_after=1)),
        ("`CircuitOpen`", errors.CircuitOpen("", retry_after=1)),
        ("`StoreError`", errors.StoreError("", retry_after=1)),
        ("`ClientClosedError`", errors.ClientClosedError("")),
        ("`GuardrailError`", errors.GuardrailError("")),
        ("`ContentFilterFinishReasonError`", errors.ContentFilterFinishReasonError()),
        (
            "`BadRequestError` about the caller's input: too long, filtered, not an image",
            _status(errors.BadRequestError, 400, "context_length_exceeded"),
        ),
        ("`BadRequestError` of another kind", _status(errors.BadRequestError, 400)),
        (
            "`AuthenticationError`, `PermissionDeniedError`",
            _status(errors.AuthenticationError, 401),
        ),
        ("`NotFoundError`", _status(errors.NotFoundError, 404)),
        ("`ConflictError`", _status(errors.ConflictError, 409)),
        ("`UnprocessableEntityError`", _status(errors.UnprocessableEntityError, 422)),
        ("`RateLimitError`", _status(errors.RateLimitError, 429)),
        ("`InternalServerError`", _status(errors.InternalServerError, 500)),
        ("`APITimeoutError`, `DeadlineExceededError`", errors.APITimeoutError(_REQUEST)),
        ("`APIConnectionError`", errors.APIConnectionError(request=_REQUEST)),
        (
            "`APIResponseValidationError`",
            errors.APIResponseValidationError(httpx.Response(200, request=_REQUEST), None),
        ),
        ("`ConfigError` and any other", errors.ConfigError("")),
    ]


def answers() -> str:
    """Return the table."""
    rows = ["| Error | Status | `type` | `Retry-After` |", "| --- | ---: | --- | --- |"]
    log = logging.getLogger("ai_client")
    was_disabled, log.disabled = log.disabled, True  # `http_error` logs some of these errors
    try:
        for name, error in _samples():
            shown = http_error(error)
            if shown is None:
                raise AssertionError(f"{name} has no answer")
            wait = "yes" if "retry-after" in shown.headers else ""
            rows.append(f"| {name} | {shown.status} | `{shown.type}` | {wait} |")
    finally:
        log.disabled = was_disabled
    return "\n".join(rows)
