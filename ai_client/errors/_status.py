"""Errors of responses with a status of 400 or above, one class per status."""

from .._libraries import httpx
from ._api import APIError
from ._contents import members_of


class APIStatusError(APIError):
    """A response with a status of 400 or above.

    Attributes:
        response: The whole response.
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
        said, code = members.get("error_description"), members.get("error")
        message = said if isinstance(said, str) and said else "OAuth authentication error."
        super().__init__(message, response=response, body=body)
        self.error = code if isinstance(code, str) else None


class PermissionDeniedError(APIStatusError):
    """403: the key lacks permission."""


class NotFoundError(APIStatusError):
    """404: the path, model or object does not exist."""


class ConflictError(APIStatusError):
    """409: the object changed or is locked."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well-formed but cannot be processed."""


class RateLimitError(APIStatusError):
    """429: too many requests or tokens, or the quota is used up."""


class InternalServerError(APIStatusError):
    """500 and above: the provider failed."""


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
    """Build the exception for a response of status 400 or above.

    *body* is the decoded response: its JSON, or its text where it is not JSON. The message quotes only the
    server's own `message`, never the rest of the body, and the request's credentials are removed.
    """
    error = members_of(body).get("error", body)
    message = f"Error code: {response.status_code}"
    if isinstance(said := members_of(error).get("message"), str) and said:
        message += f" - {said}"
    elif isinstance(body, str) and body:
        kind = response.headers.get("content-type", "no content type")
        message += f" - the response is not JSON ({kind}, {len(body)} characters)"
    default = InternalServerError if response.status_code >= _SERVER_ERROR else APIStatusError
    cls = _BY_STATUS.get(response.status_code, default)
    return cls(message, response=response, body=error)
