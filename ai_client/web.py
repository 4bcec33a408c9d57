"""Responses of a web application: errors as HTTP responses, results as server-sent events."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import pydantic
from pydantic_core import to_json

from ._call.retry import retry_after
from .control.observability.error_log import log_error
from .errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ClientClosedError,
    ContentFilterFinishReasonError,
    OpenAIError,
    PermissionDeniedError,
    RateLimitError,
    StoreError,
    members_of,
)

logger = logging.getLogger("ai_client")

EVENT_STREAM = "text/event-stream; charset=utf-8"
"""The content type of server-sent events."""
EVENT_HEADERS: Mapping[str, str] = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""Headers of an event stream: caches do not store it, nginx does not buffer it."""
DONE = b"data: [DONE]\n\n"

CALLERS_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "context_length_exceeded",
        "image_content_policy_violation",
        "image_parse_error",
        "image_too_large",
        "image_too_small",
        "invalid_base64_image",
        "invalid_image",
        "invalid_image_format",
        "invalid_image_url",
        "invalid_prompt",
        "moderation_blocked",
        "string_above_max_length",
        "unsupported_image_media_type",
    }
)
"""Error codes that the caller's input causes; any other is an error of the application."""

_SERVER_ERROR = 500
_REQUEST_TIMEOUT = 408


@dataclass(frozen=True, slots=True)
class HTTPError:
    """The HTTP response for a failed request."""

    status: int
    type: str
    message: str
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": {"type": self.type, "message": self.message, "request_id": self.request_id}}


E = TypeVar("E", bound=Exception)
Rule = Callable[[Any], HTTPError]
_rules: dict[type[Any], Rule] = {}


def shown_as(*kinds: type[E]) -> Callable[[Callable[[E], HTTPError]], Callable[[E], HTTPError]]:
    """Register a function that converts errors of these classes, and of subclasses, to an HTTP response."""

    def register(rule: Callable[[E], HTTPError]) -> Callable[[E], HTTPError]:
        for kind in kinds:
            _rules[kind] = rule
        return rule

    return register


def http_error(error: BaseException) -> HTTPError | None:
    """Return the HTTP response for an error; `None` where it is no error of this package.

    An error of this package with an integer `status` defines its own response, with its `retry_after` in
    seconds. Messages of the upstream are shown only where they concern the caller's own input.
    """
    status = getattr(error, "status", None)
    if isinstance(status, int) and isinstance(error, OpenAIError) and type(error) not in _rules:
        return _own(error, status)
    for kind in type(error).__mro__:
        rule = _rules.get(kind)
        if rule is not None:
            return rule(error)
    return None


def encode_event(item: Any) -> bytes:
    """Encode an item of a stream as one server-sent event.

    A result is sent as the JSON that was received, a string as it is, an error as an event of type `error` with
    the body of `http_error`, and other data as JSON. Send `DONE` at the end of a stream.
    """
    if isinstance(item, pydantic.BaseModel):
        return b"data: %b\n\n" % item.__pydantic_serializer__.to_json(item, by_alias=True, exclude_unset=True)
    if isinstance(item, str):
        lines = item.replace("\r\n", "\n").replace("\r", "\n").encode().split(b"\n")
        return b"data: %b\n\n" % b"\ndata: ".join(lines)
    if isinstance(item, BaseException):
        shown = http_error(item) or _internal(item)
        return b"event: error\ndata: %b\n\n" % to_json(shown.body)
    return b"data: %b\n\n" % to_json(item)


def _retry_header(seconds: float | None) -> dict[str, str]:
    if seconds is None or not math.isfinite(seconds):
        return {}
    return {"retry-after": str(max(1, math.ceil(seconds)))}


def _own(error: BaseException, status: int) -> HTTPError:
    kind = str(getattr(error, "type", None) or type(error).__name__.removesuffix("Error").lower())
    return HTTPError(status, kind, str(error), None, _retry_header(getattr(error, "retry_after", None)))


def _internal(error: BaseException) -> HTTPError:
    log_error("A call failed for a reason that its caller cannot change", error)
    return HTTPError(500, "internal_error", "The server could not complete the request.")


@shown_as(OpenAIError)
def _ours(error: OpenAIError) -> HTTPError:
    return _internal(error)


@shown_as(ClientClosedError)
def _closed(error: ClientClosedError) -> HTTPError:
    del error
    return HTTPError(503, "unavailable", "The server is shutting down.", None, _retry_header(1))


@shown_as(StoreError)
def _without_store(error: StoreError) -> HTTPError:
    log_error("A call was rejected because shared state is unreachable", error)
    message = "The server cannot serve this request now; try again later."
    return HTTPError(503, "unavailable", message, None, _retry_header(error.retry_after))


@shown_as(ContentFilterFinishReasonError)
def _filtered(error: ContentFilterFinishReasonError) -> HTTPError:
    del error
    return HTTPError(400, "content_filter", "The model's content filter stopped the answer.")


@shown_as(APITimeoutError)
def _late(error: APITimeoutError) -> HTTPError:
    log_error("A call failed because the AI service did not answer in time", error, logging.WARNING)
    return HTTPError(504, "timeout", "The AI service did not answer in time.")


@shown_as(APIConnectionError)
def _unreachable(error: APIConnectionError) -> HTTPError:
    log_error("A call failed because the AI service could not be reached", error, logging.WARNING)
    return HTTPError(502, "connection_error", "The AI service could not be reached.")


@shown_as(APIError)
def _malformed(error: APIError) -> HTTPError:
    request_id = cast("str | None", getattr(error, "request_id", None))
    log_error("A call failed because of the AI service's response", error, logging.WARNING)
    return HTTPError(502, "upstream_error", "The AI service failed.", request_id)


@shown_as(RateLimitError)
def _limited(error: RateLimitError) -> HTTPError:
    after = retry_after(error.response.headers)
    message = "The AI service is at its limit; try again later."
    return HTTPError(
        429, "rate_limit", message, error.request_id, _retry_header(1 if after is None else after)
    )


@shown_as(AuthenticationError, PermissionDeniedError)
def _unauthorized(error: APIStatusError) -> HTTPError:
    logger.error(
        "The AI service rejected the application's credentials: status %d, code %s, request %s",
        error.status_code,
        error.code,
        error.request_id,
    )
    return HTTPError(500, "internal_error", "The server could not complete the request.")


@shown_as(APIStatusError)
def _refused(error: APIStatusError) -> HTTPError:
    if error.status_code >= _SERVER_ERROR:
        return _malformed(error)
    if error.status_code == _REQUEST_TIMEOUT:
        return HTTPError(504, "timeout", "The AI service did not answer in time.", error.request_id)
    if error.code in CALLERS_CODES:
        said = members_of(error.body).get("message")
        message = said if isinstance(said, str) and said else "The AI service rejected the input."
        return HTTPError(400, "invalid_request", message, error.request_id)
    logger.error(
        "The AI service rejected a request of the application: status %d, code %s, param %s, request %s",
        error.status_code,
        error.code,
        error.param,
        error.request_id,
    )
    return HTTPError(500, "internal_error", "The server could not complete the request.", error.request_id)
