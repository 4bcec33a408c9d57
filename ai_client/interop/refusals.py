"""Failed calls as those who send requests learn of them: a response, or an error of their library."""

import math
from functools import cache
from typing import Any

from pydantic_core import to_json

from .._libraries import httpx
from ..errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    BudgetExceeded,
    ClientClosedError,
    CredentialsError,
    GuardrailError,
    LimitExceeded,
    OpenAIError,
    RateLimitExceeded,
    StoreError,
    UnknownPriceError,
)
from .responses import twin_of, whole

_NO_RETRY = (b"x-should-retry", b"false")
_PAYMENT_REQUIRED, _UNAVAILABLE = 402, 503
_CODES: dict[type[OpenAIError], str] = {
    BudgetExceeded: "insufficient_quota",
    RateLimitExceeded: "rate_limit_exceeded",
}
"""Codes that the API has for alike refusals, which libraries know."""


def refusal(http: Any, error: OpenAIError) -> "httpx.Response | None":
    """Return a failed call as a response of the HTTP library, `None` where no status says what happened.

    It says that a retry is of no use: the call was retried as often as it may be.
    """
    if isinstance(error, APIStatusError):
        answer = error.response
        headers = [pair for pair in answer.headers.raw if pair[0].lower() != _NO_RETRY[0]]
        return whole(http, answer.status_code, [*headers, _NO_RETRY], answer.content, {})
    status = _status_of(error)
    if status is None:
        return None
    said = {
        "message": str(error),
        "type": getattr(error, "type", "ai_client"),
        "param": getattr(error, "param", None),
        "code": _CODES.get(type(error)),
    }
    headers = [
        (b"content-type", b"application/json"),
        (b"x-ai-client-error", type(error).__name__.encode()),
        _NO_RETRY,
    ]
    after: float | None = getattr(error, "retry_after", None)
    if after is not None and math.isfinite(after):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(after))))
    return whole(http, status, headers, to_json({"error": said}), {})


def _status_of(error: OpenAIError) -> int | None:
    if isinstance(error, LimitExceeded | GuardrailError):
        return error.status
    if isinstance(error, UnknownPriceError):
        return _PAYMENT_REQUIRED
    if isinstance(error, StoreError | CredentialsError):
        return _UNAVAILABLE
    return None


class LibraryErrors:
    """The errors of an HTTP library in place of this package's.

    Args:
        http: The library.

    Attributes:
        responses: The class of responses.
    """

    def __init__(self, http: Any) -> None:
        self._http = http
        self.responses = http.Response

    def error(self, error: BaseException, request: "httpx.Request") -> BaseException:
        """Return what to raise in place of an error of this package; any other is returned as it is."""
        if not isinstance(error, OpenAIError):
            return error
        http = self._http
        if isinstance(error, APITimeoutError):
            kind = http.ReadTimeout
        elif isinstance(error, APIConnectionError | ClientClosedError):
            kind = http.ConnectError
        else:
            kind = http.RemoteProtocolError
        made: BaseException = kind(str(error), request=request)
        return made


class OfficialErrors:
    """The errors of the official SDK in place of this package's.

    Args:
        sdk: Its module.
        http: The HTTP library of its clients.

    Attributes:
        responses: The class of responses, of which the SDK reads JSON.
    """

    def __init__(self, sdk: Any, http: Any) -> None:
        self._sdk = sdk
        self._http = http
        self.responses = _responses(sdk, http)

    def error(self, error: BaseException, request: "httpx.Request") -> BaseException:
        """Return what to raise in place of an error of this package, or of a function of the application."""
        if not isinstance(error, OpenAIError):
            if isinstance(error, Warning) or not isinstance(error, Exception):
                return error
            failed: BaseException = self._sdk.OpenAIError(f"{type(error).__name__}: {error}")
            return failed
        sdk, message = self._sdk, str(error)
        made: Any
        if isinstance(error, APITimeoutError):
            made = sdk.APITimeoutError(request=request)
            made.message = message
            made.args = (message,)
        elif isinstance(error, ClientClosedError):
            made = _closed(sdk)(message=message, request=request)
        elif isinstance(error, APIConnectionError):
            made = sdk.APIConnectionError(message=message, request=request)
        elif isinstance(error, APIResponseValidationError):
            response = twin_of(self._http, error.response, request)
            made = sdk.APIResponseValidationError(response, error.body, message=message)
        elif isinstance(error, APIError):
            made = sdk.APIError(message, request, body=error.body)
        else:
            made = sdk.OpenAIError(message)
        found: BaseException = made
        return found


@cache
def _closed(sdk: Any) -> Any:
    """Return the class of errors of a closed client, which code that shuts down knows as this package's too."""
    base = sdk.APIConnectionError
    return type(base.__name__, (base, ClientClosedError), {"__module__": base.__module__})


@cache
def _responses(sdk: Any, http: Any) -> Any:
    """Return a class of responses whose failure to be JSON is an error of the SDK, and a `ValueError` still."""
    base, invalid = http.Response, sdk.APIResponseValidationError
    failure = type(invalid.__name__, (invalid, ValueError), {"__module__": invalid.__module__})

    def json(response: Any, **options: Any) -> Any:
        try:
            return base.json(response, **options)
        except (ValueError, RecursionError) as error:
            raise failure(response, None, message="The answer is not JSON.") from error

    def reduce(response: Any) -> Any:
        return object.__new__, (base,), response.__getstate__()

    members = {"__module__": base.__module__, "__doc__": base.__doc__, "json": json, "__reduce__": reduce}
    return type(base.__name__, (base,), members)
