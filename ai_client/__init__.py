"""OpenAI-compatible clients for web services.

    from ai_client import OpenAI, AsyncOpenAI

Names are imported on first use, so that importing the package costs next to nothing.

`ai_client.chat` and the other resources belong to a client of the process, made of variables such as
`ai_client.api_key`: for scripts and notebooks, as services should own their clients; see `ClientProvider`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._params.defaults import DEFAULT_MAX_RETRIES as DEFAULT_MAX_RETRIES
from ._version import __title__ as __title__, __version__ as __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal

    import httpx

    from . import types as types
    from ._answers.binary import HttpxBinaryResponseContent as HttpxBinaryResponseContent
    from ._answers.raw_response import APIResponse as APIResponse, AsyncAPIResponse as AsyncAPIResponse
    from ._answers.stream import AsyncStream as AsyncStream, Stream as Stream
    from ._call.labels import (
        Labels as Labels,
        carry_labels as carry_labels,
        current_labels as current_labels,
        labels as labels,
    )
    from ._client.arguments import DataResidency as DataResidency
    from ._client.http_clients import (
        DefaultAioHttpClient as DefaultAioHttpClient,
        DefaultAsyncHttpx2Client as DefaultAsyncHttpx2Client,
        DefaultAsyncHttpxClient as DefaultAsyncHttpxClient,
        DefaultHttpx2Client as DefaultHttpx2Client,
        DefaultHttpxClient as DefaultHttpxClient,
    )
    from ._client.verbs import RequestOptions as RequestOptions
    from ._http.names import (
        DEFAULT_CONNECTION_LIMITS as DEFAULT_CONNECTION_LIMITS,
        DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
        NoneType as NoneType,
        ProxiesTypes as ProxiesTypes,
        Timeout as Timeout,
        Transport as Transport,
    )
    from ._models.base import BaseModel as BaseModel
    from ._params.file_from_path import file_from_path as file_from_path
    from ._params.omit import (
        NOT_GIVEN as NOT_GIVEN,
        NotGiven as NotGiven,
        Omit as Omit,
        not_given as not_given,
        omit as omit,
    )
    from ._process.module_client import (
        admin as admin,
        audio as audio,
        batches as batches,
        beta as beta,
        chat as chat,
        completions as completions,
        containers as containers,
        content_provenance_checks as content_provenance_checks,
        conversations as conversations,
        decisions as decisions,
        embeddings as embeddings,
        evals as evals,
        files as files,
        fine_tuning as fine_tuning,
        images as images,
        models as models,
        moderations as moderations,
        responses as responses,
        safety as safety,
        skills as skills,
        uploads as uploads,
        vector_stores as vector_stores,
        videos as videos,
    )
    from ._sockets.opening import (
        ReconnectingEvent as ReconnectingEvent,
        ReconnectingOverrides as ReconnectingOverrides,
    )
    from .azure import AsyncAzureOpenAI as AsyncAzureOpenAI, AzureOpenAI as AzureOpenAI
    from .client import (
        AsyncClient as AsyncClient,
        AsyncOpenAI as AsyncOpenAI,
        Client as Client,
        OpenAI as OpenAI,
    )
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
        EmbeddingError as EmbeddingError,
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
        UnknownPriceError as UnknownPriceError,
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

api_key: "str | Callable[[], Any] | None" = None
admin_api_key: str | None = None
organization: str | None = None
project: str | None = None
webhook_secret: str | None = None
base_url: "str | httpx.URL | None" = None
timeout: "float | httpx.Timeout | None"
max_retries: int = DEFAULT_MAX_RETRIES
default_headers: "Mapping[str, str] | None" = None
default_query: "Mapping[str, object] | None" = None
http_client: "Any" = None
api_type: "Literal['openai', 'azure'] | None" = None
api_version: str | None = None
azure_endpoint: str | None = None
azure_ad_token: str | None = None
azure_ad_token_provider: "Callable[[], Any] | None" = None

_HOMES = {
    "._call.labels": "Labels carry_labels current_labels labels",
    "._models.base": "BaseModel",
    "._params.omit": "NOT_GIVEN NotGiven Omit not_given omit",
    "._answers.binary": "HttpxBinaryResponseContent",
    "._answers.raw_response": "APIResponse AsyncAPIResponse",
    "._answers.stream": "AsyncStream Stream",
    ".lib._tools": "pydantic_function_tool pydantic_responses_function_tool",
    "._client.arguments": "DataResidency",
    "._client.verbs": "RequestOptions",
    "._http.names": "DEFAULT_CONNECTION_LIMITS DEFAULT_TIMEOUT NoneType ProxiesTypes Timeout Transport",
    "._params.file_from_path": "file_from_path",
    "._sockets.opening": "ReconnectingEvent ReconnectingOverrides",
    "._client.http_clients": (
        "DefaultAioHttpClient DefaultAsyncHttpx2Client DefaultAsyncHttpxClient DefaultHttpx2Client "
        "DefaultHttpxClient "
    ),
    ".azure": "AsyncAzureOpenAI AzureOpenAI",
    ".client": "AsyncClient AsyncOpenAI Client OpenAI",
    ".config": "ClientConfig ClientOptions",
    ".credentials": "Credentials",
    ".errors": (
        "APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError "
        "BlockingCallWarning DeadlineExceededError InvalidResultError StreamStateError "
        "SubjectTokenProviderError AuthenticationError BadRequestError BudgetExceeded CircuitOpen "
        "ClientClosedError ConfigError ConflictError ContentFilterFinishReasonError CredentialsError "
        "EmbeddingError GuardrailError "
        "InternalServerError InvalidWebhookSignatureError LengthFinishReasonError LimitExceeded "
        "NotFoundError OAuthError OpenAIError PermissionDeniedError PolicyError PollTimeoutError QueueFull "
        "RateLimitError RateLimitExceeded ResponseTooLargeError StoreError StreamError "
        "StreamTooLargeError StreamInterruptedError StreamTimeoutError "
        "UnknownPriceError UnprocessableEntityError "
        "WebSocketConnectionClosedError WebSocketQueueFullError WebSocketRedirectError "
    ),
    ".provider": "ClientProvider",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_RESOURCES = frozenset(
    [
        "admin",
        "audio",
        "batches",
        "beta",
        "chat",
        "completions",
        "containers",
        "content_provenance_checks",
        "conversations",
        "decisions",
        "embeddings",
        "evals",
        "files",
        "fine_tuning",
        "images",
        "models",
        "moderations",
        "responses",
        "safety",
        "skills",
        "uploads",
        "vector_stores",
        "videos",
    ]
)
"""The resources of the process's client; `live`, `realtime` and `webhooks` are modules."""

__all__ = ["__title__", "__version__", "types", "DEFAULT_MAX_RETRIES", *_HOME_OF]  # noqa: PLE0604 - strings all  # pyright: ignore[reportUnsupportedDunderAll]


if not TYPE_CHECKING:  # to which any name would exist

    def __getattr__(name: str) -> object:
        if name == "types":
            return import_module(".types", __name__)
        if name in _RESOURCES:
            return import_module("._process.module_client", __name__).resource_of(globals(), name)
        if name == "timeout":
            return __getattr__("DEFAULT_TIMEOUT")
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(home, __name__), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_RESOURCES, "timeout"})
