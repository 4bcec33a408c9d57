"""Every exception the package raises, with the official SDK's names and attributes.

    OpenAIError
    ├── ConfigError                         (also ValueError)
    ├── ClientClosedError
    ├── StoreError
    ├── GuardrailError                      (also ValueError)
    ├── LimitExceeded
    │   ├── RateLimitExceeded
    │   ├── QueueFull
    │   ├── BudgetExceeded
    │   └── CircuitOpen
    ├── WebSocketConnectionClosedError
    ├── WebSocketQueueFullError
    ├── LengthFinishReasonError
    ├── PollTimeoutError                    (also TimeoutError, RuntimeError)
    ├── ContentFilterFinishReasonError
    └── APIError
        ├── APIResponseValidationError
        ├── StreamError
        │   └── StreamInterruptedError      (also APIConnectionError)
        │       └── StreamTimeoutError      (also APITimeoutError)
        ├── APIConnectionError
        │   └── APITimeoutError
        │       └── DeadlineExceededError
        └── APIStatusError
            ├── BadRequestError             400
            ├── AuthenticationError         401
            │   └── OAuthError
            ├── PermissionDeniedError       403
            ├── NotFoundError               404
            ├── ConflictError               409
            ├── UnprocessableEntityError    422
            ├── RateLimitError              429
            └── InternalServerError         500 and above
    InvalidWebhookSignatureError            (ValueError)
    BlockingCallWarning                     (RuntimeWarning)

Exceptions pickle and copy. What they carry across is redacted: a pickled error keeps its request's method and
address but no credential and no body.
"""

import copyreg
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    import httpx

    from .types.chat import ChatCompletion

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
_SHORTEST_SECRET = 8


class OpenAIError(Exception):
    """Base of every error of this package."""


class ConfigError(OpenAIError, ValueError):
    """An option that is unknown, ill-typed or contradicts another."""


class ClientClosedError(OpenAIError):
    """Use of a client after it was closed, or while its application shuts down."""


class StoreError(OpenAIError):
    """Shared state that cannot be reached, where a policy may not go on without it.

    Attributes:
        retry_after: Seconds until the store is asked again, where known.
    """

    type = "unavailable"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class GuardrailError(OpenAIError, ValueError):
    """A call that the application's own rules forbid: a model, a size. It was not sent.

    Attributes:
        param: The parameter at fault.
        status: The HTTP status under which an application shows it.
    """

    status = 400
    type = "invalid_request"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message, param)
        self.message = message
        self.param = param

    def __str__(self) -> str:
        return self.message


class LimitExceeded(OpenAIError):  # noqa: N818 - names what happened, as the limits' own vocabulary does
    """A call that the application's own limits refused before it was sent.

    Attributes:
        message: What limit it was.
        retry_after: Seconds until a further try may succeed, where known.
        details: The figures behind the refusal.
        status: The HTTP status under which an application shows it.
    """

    status = 429
    type = "limit"

    def __init__(
        self, message: str, *, retry_after: float | None = None, **details: float | str | None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.details: Mapping[str, float | str | None] = details

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__.copy())  # type: ignore[attr-defined]


class RateLimitExceeded(LimitExceeded):
    """More requests or tokens than a rate allows. Details: `limit`, `unit`, `scope`, `per` (seconds)."""

    type = "rate_limit"


class QueueFull(LimitExceeded):
    """More calls at once than the application allows. Details: `queue_length`, `in_flight`, `waited` (seconds)."""

    status = 503
    type = "overloaded"

    @property
    def queue_length(self) -> int:
        """Callers that were waiting."""
        return int(self.details["queue_length"] or 0)


class BudgetExceeded(LimitExceeded):
    """More money, tokens or requests than a budget has left. Details: `limit`, `used`, `held`, `unit`, `scope`."""

    type = "budget"


class CircuitOpen(LimitExceeded):
    """A target that failed too often lately and is left alone for a while. Details: `target`."""

    status = 503
    type = "unavailable"


class WebSocketQueueFullError(OpenAIError):
    """More messages waiting for a WebSocket than `max_queue_size` allows."""


class WebSocketConnectionClosedError(OpenAIError):
    """A WebSocket that closed with messages unsent.

    Attributes:
        unsent_frames: The messages, in order.
    """

    unsent_frames: list[str | bytes]

    def __init__(self, message: str, *, unsent_messages: list[str | bytes]) -> None:
        super().__init__(message)
        self.unsent_frames = unsent_messages

    @property
    def unsent_messages(self) -> list[str]:
        """The text messages, in order."""
        return [frame for frame in self.unsent_frames if isinstance(frame, str)]

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), {"unsent_frames": []})  # type: ignore[attr-defined]


class APIError(OpenAIError):
    """A request that did not lead to a result.

    Attributes:
        message: What happened.
        request: The request that was sent.
        body: The decoded JSON of the answer's `error` member, its text where it is not JSON, or `None`.
        code, param, type: The members of that name of *body*, where the server gave them.
    """

    message: str
    request: "httpx.Request"
    body: object | None
    code: str | None = None
    param: str | None = None
    type: str | None = None

    def __init__(self, message: str, request: "httpx.Request", *, body: object | None) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.body = body
        members = members_of(body)
        code = members.get("code")
        self.code = None if code is None else str(code)
        self.param = members.get("param")
        self.type = members.get("type")

    def __reduce__(self) -> tuple[Any, ...]:
        state = dict(self.__dict__)
        state["request"] = _redacted(self.request)
        if (response := state.get("response")) is not None:
            state["response"] = _detached(response, state["request"])
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
    """An answer that is not what the API promises: not JSON, or not of the expected shape."""

    response: "httpx.Response"
    status_code: int

    def __init__(
        self, response: "httpx.Response", body: object | None, *, message: str | None = None
    ) -> None:
        super().__init__(
            message or "The server's answer does not have the expected shape.", response.request, body=body
        )
        self.response = response
        self.status_code = response.status_code


class APIConnectionError(APIError):
    """A request without an answer: the server could not be reached or broke the connection."""

    def __init__(self, *, message: str = "Connection error.", request: "httpx.Request") -> None:
        super().__init__(message, request, body=None)


class APITimeoutError(APIConnectionError):
    """A request whose answer did not come in time."""

    def __init__(self, request: "httpx.Request", *, message: str = "Request timed out.") -> None:
        super().__init__(message=message, request=request)


class DeadlineExceededError(APITimeoutError):
    """A call that was not over, all its attempts and waits included, when its deadline came."""

    def __init__(self, request: "httpx.Request", *, message: str = "The call's deadline has passed.") -> None:
        super().__init__(request, message=message)


class StreamError(APIError):
    """A stream that ended with an error after its opening.

    Attributes:
        received: The items that came before the error, in order.
    """

    received: Sequence[Any]

    def __init__(
        self, message: str, request: "httpx.Request", *, body: object | None, received: Sequence[Any] = ()
    ) -> None:
        APIError.__init__(self, message, request, body=body)  # a subclass may have other bases in between
        self.received = received

    def __reduce__(self) -> tuple[Any, ...]:
        make, args, state = super().__reduce__()
        return make, args, {**state, "received": ()}


class StreamInterruptedError(StreamError, APIConnectionError):
    """A stream whose connection broke before its end."""

    def __init__(self, message: str, request: "httpx.Request", *, received: Sequence[Any] = ()) -> None:
        StreamError.__init__(self, message, request, body=None, received=received)


class StreamTimeoutError(StreamInterruptedError, APITimeoutError):
    """A stream that fell silent for longer than the read timeout."""


class APIStatusError(APIError):
    """An answer with a status of 400 or above.

    Attributes:
        response: The whole answer.
        status_code: Its HTTP status.
        request_id: Its `x-request-id` header, to quote to the provider's support.
    """

    response: "httpx.Response"
    status_code: int
    request_id: str | None

    def __init__(self, message: str, *, response: "httpx.Response", body: object | None) -> None:
        super().__init__(message, response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("x-request-id")


class BadRequestError(APIStatusError):
    """400: the request is malformed or asks for something the model cannot do."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing, wrong or revoked."""


class OAuthError(AuthenticationError):
    """400 or 401 from a token exchange.

    Attributes:
        error: The OAuth error code, as in RFC 6749 section 5.2.
    """

    error: str | None

    def __init__(self, *, response: "httpx.Response", body: object | None) -> None:
        members = members_of(body)
        message = members.get("error_description")
        super().__init__(
            message or "OAuth authentication error.", response=response, body=cast("object", body)
        )
        self.error = members.get("error")


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such path, model or object."""


class ConflictError(APIStatusError):
    """409: the object changed or is locked."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well-formed but cannot be processed."""


class RateLimitError(APIStatusError):
    """429: too many requests or tokens, or the quota is used up."""


class InternalServerError(APIStatusError):
    """500 and above: the provider failed."""


class LengthFinishReasonError(OpenAIError):
    """A structured answer that was cut off by the token limit.

    Attributes:
        completion: The incomplete answer; without `usage` when it was streamed.
    """

    completion: "ChatCompletion"

    def __init__(self, *, completion: "ChatCompletion") -> None:
        message = "Could not parse response content as the length limit was reached"
        if usage := getattr(completion, "usage", None):
            message += f" - {usage}"
        super().__init__(message)
        self.completion = completion

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), {"completion": None})  # type: ignore[attr-defined]


class ContentFilterFinishReasonError(OpenAIError):
    """A structured answer that the content filter stopped.

    Attributes:
        completion: What had come by then, if known.
    """

    completion: "ChatCompletion | None"

    def __init__(self, *, completion: "ChatCompletion | None" = None) -> None:
        super().__init__("Could not parse response content as the request was rejected by the content filter")
        self.completion = completion

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), {"completion": None})  # type: ignore[attr-defined]


class PollTimeoutError(OpenAIError, TimeoutError, RuntimeError):
    """A wait for the server's work that took longer than the caller would wait; the work goes on.

    Attributes:
        last: What the server said last about the work.
    """

    last: object

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = last

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), self.args)


class InvalidWebhookSignatureError(ValueError):
    """A webhook whose signature or timestamp does not match its payload."""


class SubjectTokenProviderError(OpenAIError):
    """A workload's own token could not be had.

    Attributes:
        response: What the metadata server answered, if it did.
    """

    def __init__(self, message: str, *, response: "httpx.Response | None" = None) -> None:
        super().__init__(message)
        self.response = response


class BlockingCallWarning(RuntimeWarning):
    """A call of the blocking client on the thread of a running event loop."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}
_SERVER_ERROR = 500


def status_error(response: "httpx.Response", body: object) -> APIStatusError:
    """Make the exception for an answer of status 400 or above.

    *body* is the decoded answer: its JSON, or its text where it is not JSON. Only the server's own `message` is
    quoted, never the rest of the body, and the credential of the request nowhere.
    """
    body = _without_credentials(body, response.request)
    error = members_of(body).get("error", body)
    message = f"Error code: {response.status_code}"
    if isinstance(said := members_of(error).get("message"), str) and said:
        message += f" - {said}"
    elif isinstance(body, str) and body:
        kind = response.headers.get("content-type", "no content type")
        message += f" - the answer is not JSON ({kind}, {len(body)} characters)"
    default = InternalServerError if response.status_code >= _SERVER_ERROR else APIStatusError
    cls = _BY_STATUS.get(response.status_code, default)
    return cls(message, response=response, body=error)


def members_of(value: object) -> Mapping[str, Any]:
    """Give the members of a decoded JSON object; none where *value* is something else."""
    if type(value) is dict:  # nearly always, and much faster to tell
        return cast("Mapping[str, Any]", value)
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _without_credentials(body: object, request: "httpx.Request") -> object:
    """Take the request's own credentials out of what the server says about them."""
    secrets = [value.rpartition(" ")[2] for name, value in request.headers.items() if name in _SECRET_HEADERS]
    return _replaced(body, [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET])


def _replaced(value: object, secrets: list[str]) -> object:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "[redacted]")
        return value
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {name: _replaced(member, secrets) for name, member in members.items()}
    if isinstance(value, list):
        return [_replaced(item, secrets) for item in cast("list[object]", value)]
    return value


def _redacted(request: "httpx.Request") -> "httpx.Request":
    headers = [(name, value) for name, value in request.headers.items() if name not in _SECRET_HEADERS]
    return type(request)(request.method, request.url.copy_with(userinfo=b""), headers=headers)


def _detached(response: "httpx.Response", request: "httpx.Request") -> "httpx.Response":
    headers = [(name, value) for name, value in response.headers.items() if name != "set-cookie"]
    return type(response)(response.status_code, headers=headers, request=request)
