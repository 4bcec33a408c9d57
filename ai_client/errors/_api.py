"""Errors of requests: connection failures, invalid responses, broken streams."""

import copyreg
from collections.abc import Sequence
from typing import Any, Self

from .._libraries import httpx
from ._base import OpenAIError
from ._contents import detached, members_of, redacted, shown, without_credentials


class APIError(OpenAIError):
    """A request that failed.

    Attributes:
        message: What happened.
        request: The request that was sent; the values of secret parameters in its URL are masked.
        body: The `error` member of the response's JSON, its text where it is not JSON, or `None`.
        code, param, type: The members of *body* with these names, where the server sent them.
    """

    message: str
    request: "httpx.Request"
    body: object | None
    code: str | None = None
    param: str | None = None
    type: str | None = None

    def __init__(self, message: str, request: "httpx.Request", *, body: object | None) -> None:
        if body is not None:
            message, body = without_credentials(message, request), without_credentials(body, request)
        super().__init__(message)
        self.message = message
        self.request = shown(request)
        self.body = body
        members = members_of(body)
        code = members.get("code")
        self.code = None if code is None else str(code)
        self.param = members.get("param")
        kind = members.get("type")
        self.type = kind if isinstance(kind, str) else None

    def __reduce__(self) -> tuple[Any, ...]:
        state = dict(self.__dict__)
        state["request"] = redacted(self.request)
        if (response := state.get("response")) is not None:
            state["response"] = detached(response, state["request"])
        return (copyreg.__newobj__, (type(self), *self.args), state)  # type: ignore[attr-defined]

    def __copy__(self) -> Self:
        return self._clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._clone()

    def _clone(self) -> Self:
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin


class APIResponseValidationError(APIError):
    """A response that violates the API: it is not JSON, or not of the expected shape."""

    response: "httpx.Response"
    status_code: int

    def __init__(
        self, response: "httpx.Response", body: object | None, *, message: str | None = None
    ) -> None:
        super().__init__(
            message or "The server's response does not have the expected shape.", response.request, body=body
        )
        self.response = response
        self.status_code = response.status_code


class ResponseTooLargeError(APIResponseValidationError):
    """A response larger than the client's `max_response_bytes` or `max_event_bytes`."""


class InvalidResultError(APIResponseValidationError, ValueError):
    """A response of the expected shape from which no result can be made, such as embeddings without a vector."""


class APIConnectionError(APIError):
    """A request without a response: the server was unreachable or the connection broke."""

    def __init__(self, *, message: str = "Connection error.", request: "httpx.Request") -> None:
        super().__init__(message, request, body=None)


class APITimeoutError(APIConnectionError):
    """A request whose response did not arrive in time."""

    def __init__(self, request: "httpx.Request", *, message: str = "Request timed out.") -> None:
        super().__init__(message=message, request=request)


class DeadlineExceededError(APITimeoutError):
    """A call that had not finished at its deadline, including all attempts and waits."""

    def __init__(self, request: "httpx.Request", *, message: str = "The call's deadline has passed.") -> None:
        super().__init__(request, message=message)


class StreamError(APIError):
    """A stream that failed after its response had begun.

    Attributes:
        received: The items received before the error, in order.
    """

    received: Sequence[Any]

    def __init__(
        self, message: str, request: "httpx.Request", *, body: object | None, received: Sequence[Any] = ()
    ) -> None:
        APIError.__init__(
            self, message, request, body=body
        )  # not super(): a subclass may have other bases between
        self.received = received

    def __reduce__(self) -> tuple[Any, ...]:
        make, args, state = super().__reduce__()
        return make, args, {**state, "received": ()}


class StreamInterruptedError(StreamError, APIConnectionError):
    """A stream whose connection broke before its end."""

    def __init__(self, message: str, request: "httpx.Request", *, received: Sequence[Any] = ()) -> None:
        StreamError.__init__(self, message, request, body=None, received=received)


class StreamTimeoutError(StreamInterruptedError, APITimeoutError):
    """A stream that sent nothing for longer than the read timeout."""


class StreamTooLargeError(StreamError, ResponseTooLargeError):
    """A stream, or one event of it, larger than the client's limits."""

    def __init__(self, message: str, response: "httpx.Response", *, received: Sequence[Any] = ()) -> None:
        StreamError.__init__(self, message, response.request, body=None, received=received)
        self.response = response
        self.status_code = response.status_code
