"""Failed calls as those who send requests learn of them: a response, or an error of their library."""

import math
from typing import Any, NoReturn

from pydantic_core import to_json

from .._libraries import httpx
from ..errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    ClientClosedError,
    CredentialsError,
    GuardrailError,
    LimitExceeded,
    OpenAIError,
    StoreError,
)

_NO_RETRY = (b"x-should-retry", b"false")
_REPLACED = frozenset({b"x-should-retry", b"content-encoding", b"content-length", b"transfer-encoding"})
_UNAVAILABLE = 503


def refusal(http: Any, error: OpenAIError) -> "httpx.Response | None":
    """Return an error as a response of the HTTP library, `None` where there is no HTTP status for it."""
    if isinstance(error, APIStatusError):
        answer = error.response
        headers = [pair for pair in answer.headers.raw if pair[0].lower() not in _REPLACED]
        response: httpx.Response = http.Response(
            answer.status_code, headers=[*headers, _NO_RETRY], content=answer.content
        )
        return response
    if isinstance(error, LimitExceeded | GuardrailError):
        status: int = error.status
    elif isinstance(error, StoreError | CredentialsError):
        status = _UNAVAILABLE
    else:
        return None
    said = {
        "message": str(error),
        "type": getattr(error, "type", "unavailable"),
        "param": getattr(error, "param", None),
        "code": _code_of(error),
    }
    headers = [(b"content-type", b"application/json"), _NO_RETRY]
    after: float | None = getattr(error, "retry_after", None)
    if after is not None and math.isfinite(after):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(after))))
    return http.Response(status, headers=headers, content=to_json({"error": said}))  # type: ignore[no-any-return]


def _code_of(error: OpenAIError) -> str:
    return f"ai_client_{type(error).__name__}"


class LibraryErrors:
    """Errors of an HTTP library in place of this package's.

    Args:
        http: The library.
    """

    def __init__(self, http: Any) -> None:
        self.http = http

    def error(self, error: BaseException, request: "httpx.Request") -> BaseException:
        """Return what to raise in place of an error of this package."""
        http = self.http
        if isinstance(error, APITimeoutError):
            return http.ReadTimeout(str(error), request=request)  # type: ignore[no-any-return]
        if isinstance(error, APIConnectionError | ClientClosedError):
            return http.ConnectError(str(error), request=request)  # type: ignore[no-any-return]
        if isinstance(error, OpenAIError):
            return http.RemoteProtocolError(str(error), request=request)  # type: ignore[no-any-return]
        return error


class OfficialErrors:
    """Errors of the official SDK in place of this package's.

    Args:
        sdk: Its module.
    """

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk

    def error(self, error: BaseException, request: "httpx.Request") -> BaseException:
        """Return what to raise in place of an error of this package."""
        sdk = self._sdk
        made: BaseException
        if isinstance(error, APITimeoutError):
            made = sdk.APITimeoutError(request=request)
            made.message = str(error)  # type: ignore[attr-defined]
            made.args = (str(error),)
            return made
        if isinstance(error, APIConnectionError | ClientClosedError):
            made = sdk.APIConnectionError(message=str(error), request=request)
            return made
        if isinstance(error, APIResponseValidationError):
            made = sdk.APIResponseValidationError(error.response, error.body, message=str(error))
            return made
        if isinstance(error, APIError):
            made = sdk.APIError(str(error), request, body=error.body)
            return made
        if isinstance(error, OpenAIError):
            made = sdk.OpenAIError(str(error))
            return made
        return error


def raise_from(made: BaseException, error: BaseException) -> NoReturn:
    """Raise an error in place of another one."""
    if made is error:
        raise error
    raise made from error
