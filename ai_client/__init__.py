"""OpenAI-compatible clients for web services.

    from ai_client import OpenAI, AsyncOpenAI

Names are imported on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from ._answers.binary import HttpxBinaryResponseContent as HttpxBinaryResponseContent
    from ._answers.raw_response import APIResponse as APIResponse, AsyncAPIResponse as AsyncAPIResponse
    from ._answers.stream import AsyncStream as AsyncStream, Stream as Stream
    from ._call.labels import (
        Labels as Labels,
        carry_labels as carry_labels,
        current_labels as current_labels,
        labels as labels,
    )
    from ._client.http_clients import (
        DefaultAioHttpClient as DefaultAioHttpClient,
        DefaultAsyncHttpx2Client as DefaultAsyncHttpx2Client,
        DefaultAsyncHttpxClient as DefaultAsyncHttpxClient,
        DefaultHttpx2Client as DefaultHttpx2Client,
        DefaultHttpxClient as DefaultHttpxClient,
    )
    from ._client.verbs import RequestOptions as RequestOptions
    from ._models.base import BaseModel as BaseModel
    from ._params.omit import (
        NOT_GIVEN as NOT_GIVEN,
        NotGiven as NotGiven,
        Omit as Omit,
        not_given as not_given,
        omit as omit,
    )
    from .azure import AsyncAzureOpenAI as AsyncAzureOpenAI, AzureOpenAI as AzureOpenAI
    from .client import AsyncOpenAI as AsyncOpenAI, OpenAI as OpenAI
    from .config import ClientConfig as ClientConfig, ClientOptions as ClientOptions
    from .credentials import Credentials as Credentials
    from .errors import (
        APIConnectionError as APIConnectionError,
        APIError as APIError,
        APIResponseValidationError as APIResponseValidationError,
        APIStatusError as APIStatusError,
        APITimeoutError as APITimeoutError,
        AuthenticationError as AuthenticationError,
        BadRequestError as BadRequestError,
        BlockingCallWarning as BlockingCallWarning,
        BudgetExceeded as BudgetExceeded,
        CircuitOpen as CircuitOpen,
        ClientClosedError as ClientClosedError,
        ConfigError as ConfigError,
        ConflictError as ConflictError,
        ContentFilterFinishReasonError as ContentFilterFinishReasonError,
        CredentialsError as CredentialsError,
        DeadlineExceededError as DeadlineExceededError,
        GuardrailError as GuardrailError,
        InternalServerError as InternalServerError,
        InvalidResultError as InvalidResultError,
        InvalidWebhookSignatureError as InvalidWebhookSignatureError,
        LengthFinishReasonError as LengthFinishReasonError,
        LimitExceeded as LimitExceeded,
        NotFoundError as NotFoundError,
        OAuthError as OAuthError,
        OpenAIError as OpenAIError,
        PermissionDeniedError as PermissionDeniedError,
        PolicyError as PolicyError,
        PollTimeoutError as PollTimeoutError,
        QueueFull as QueueFull,
        RateLimitError as RateLimitError,
        RateLimitExceeded as RateLimitExceeded,
        ResponseTooLargeError as ResponseTooLargeError,
        StoreError as StoreError,
        StreamError as StreamError,
        StreamInterruptedError as StreamInterruptedError,
        StreamStateError as StreamStateError,
        StreamTimeoutError as StreamTimeoutError,
        StreamTooLargeError as StreamTooLargeError,
        SubjectTokenProviderError as SubjectTokenProviderError,
        UnprocessableEntityError as UnprocessableEntityError,
        WebSocketConnectionClosedError as WebSocketConnectionClosedError,
        WebSocketQueueFullError as WebSocketQueueFullError,
        WebSocketRedirectError as WebSocketRedirectError,
    )
    from .lib._tools import (
        pydantic_function_tool as pydantic_function_tool,
        pydantic_responses_function_tool as pydantic_responses_function_tool,
    )
    from .provider import ClientProvider as ClientProvider

_HOMES = {
    "._call.labels": "Labels carry_labels current_labels labels",
    "._models.base": "BaseModel",
    "._params.omit": "NOT_GIVEN NotGiven Omit not_given omit",
    "._answers.binary": "HttpxBinaryResponseContent",
    "._answers.raw_response": "APIResponse AsyncAPIResponse",
    "._answers.stream": "AsyncStream Stream",
    ".lib._tools": "pydantic_function_tool pydantic_responses_function_tool",
    "._client.verbs": "RequestOptions",
    "._client.http_clients": (
        "DefaultAioHttpClient DefaultAsyncHttpx2Client DefaultAsyncHttpxClient DefaultHttpx2Client "
        "DefaultHttpxClient "
    ),
    ".azure": "AsyncAzureOpenAI AzureOpenAI",
    ".client": "AsyncOpenAI OpenAI",
    ".config": "ClientConfig ClientOptions",
    ".credentials": "Credentials",
    ".errors": (
        "APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError "
        "BlockingCallWarning DeadlineExceededError InvalidResultError StreamStateError "
        "SubjectTokenProviderError AuthenticationError BadRequestError BudgetExceeded CircuitOpen "
        "ClientClosedError ConfigError ConflictError ContentFilterFinishReasonError CredentialsError "
        "GuardrailError "
        "InternalServerError InvalidWebhookSignatureError LengthFinishReasonError LimitExceeded "
        "NotFoundError OAuthError OpenAIError PermissionDeniedError PolicyError PollTimeoutError QueueFull "
        "RateLimitError RateLimitExceeded ResponseTooLargeError StoreError StreamError "
        "StreamTooLargeError StreamInterruptedError StreamTimeoutError UnprocessableEntityError "
        "WebSocketConnectionClosedError WebSocketQueueFullError WebSocketRedirectError "
    ),
    ".provider": "ClientProvider",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604 - strings all  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home, __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
