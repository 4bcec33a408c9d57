"""Every exception that the package raises, with the official SDK's names and attributes.

    OpenAIError
    ├── ConfigError                         (also ValueError)
    │   └── UnknownPriceError
    ├── ClientClosedError
    ├── StoreError
    ├── PolicyError
    ├── GuardrailError                      (also ValueError)
    ├── LimitExceeded
    │   ├── RateLimitExceeded
    │   ├── QueueFull
    │   ├── BudgetExceeded
    │   └── CircuitOpen
    ├── SubjectTokenProviderError
    ├── CredentialsError
    ├── WebSocketConnectionClosedError
    ├── WebSocketQueueFullError
    ├── EmbeddingError                      (also ValueError)
    ├── LengthFinishReasonError
    ├── PollTimeoutError                    (also TimeoutError, RuntimeError)
    ├── StreamStateError                    (also RuntimeError)
    ├── ContentFilterFinishReasonError
    └── APIError
        ├── APIResponseValidationError
        │   └── InvalidResultError          (also ValueError)
        │   └── ResponseTooLargeError
        ├── StreamError
        │   ├── StreamTooLargeError         (also ResponseTooLargeError)
        │   └── StreamInterruptedError      (also APIConnectionError)
        │       └── StreamTimeoutError      (also APITimeoutError)
        ├── APIConnectionError
        │   ├── WebSocketRedirectError
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

Exceptions can be pickled and copied. A pickled error keeps the method and URL of its request, but no credential and no
body.
"""

from .._libraries import httpx as httpx  # the annotations of the errors are read in this module, see below
from ._api import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    DeadlineExceededError,
    InvalidResultError,
    ResponseTooLargeError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTooLargeError,
)
from ._base import (
    BlockingCallWarning,
    ClientClosedError,
    ConfigError,
    OpenAIError,
    UnknownPriceError,
)
from ._contents import (
    hide as hide,
    is_secret_name as is_secret_name,
    members_of as members_of,
)
from ._controls import (
    BudgetExceeded,
    CircuitOpen,
    GuardrailError,
    LimitExceeded,
    PolicyError,
    QueueFull,
    RateLimitExceeded,
    StoreError,
)
from ._helpers import (
    ContentFilterFinishReasonError,
    CredentialsError,
    EmbeddingError,
    InvalidWebhookSignatureError,
    LengthFinishReasonError,
    PollTimeoutError,
    StreamStateError,
    SubjectTokenProviderError,
    WebSocketConnectionClosedError,
    WebSocketQueueFullError,
    WebSocketRedirectError,
)
from ._status import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    OAuthError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
    status_error as status_error,
)

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "BlockingCallWarning",
    "BudgetExceeded",
    "CircuitOpen",
    "ClientClosedError",
    "ConfigError",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "CredentialsError",
    "DeadlineExceededError",
    "EmbeddingError",
    "GuardrailError",
    "InternalServerError",
    "InvalidResultError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "LimitExceeded",
    "NotFoundError",
    "OAuthError",
    "OpenAIError",
    "PermissionDeniedError",
    "PolicyError",
    "PollTimeoutError",
    "QueueFull",
    "RateLimitError",
    "RateLimitExceeded",
    "ResponseTooLargeError",
    "StoreError",
    "StreamError",
    "StreamInterruptedError",
    "StreamStateError",
    "StreamTimeoutError",
    "StreamTooLargeError",
    "SubjectTokenProviderError",
    "UnknownPriceError",
    "UnprocessableEntityError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "WebSocketRedirectError",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # tracebacks and pickles show the public import path
