"""Errors of the helpers: structured outputs, polling, WebSockets, webhooks, workload tokens."""

import copyreg
from typing import Any

from .._libraries import httpx
from ._api import APIConnectionError
from ._base import OpenAIError


class LengthFinishReasonError(OpenAIError):
    """A structured output that was cut off by the token limit.

    Attributes:
        completion: The incomplete `ChatCompletion`; without `usage` when it was streamed.
    """

    completion: Any

    def __init__(self, *, completion: Any) -> None:
        message = "Could not parse response content as the length limit was reached"
        if usage := getattr(completion, "usage", None):
            message += f" - {usage}"
        super().__init__(message)
        self.completion = completion

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), {"completion": None})  # type: ignore[attr-defined]


class ContentFilterFinishReasonError(OpenAIError):
    """A structured output that the content filter stopped.

    Attributes:
        completion: The `ChatCompletion` received so far, or `None`.
    """

    completion: Any

    def __init__(self, *, completion: Any = None) -> None:
        super().__init__("Could not parse response content as the request was rejected by the content filter")
        self.completion = completion

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), {"completion": None})  # type: ignore[attr-defined]


class EmbeddingError(OpenAIError, ValueError):
    """A vector that cannot be read as 32-bit floats."""


class CredentialsError(OpenAIError):
    """The application's function for the credentials of tenants failed, or took too long; nothing was sent."""


class PollTimeoutError(OpenAIError, TimeoutError, RuntimeError):
    """Polling that took longer than the caller allowed; the work on the server continues.

    Attributes:
        last: The last state that the server reported.
    """

    last: object

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = last

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), self.args)


class StreamStateError(OpenAIError, RuntimeError):
    """A stream whose events are inconsistent or incomplete, or that another task or thread reads; a body read twice."""


class WebSocketQueueFullError(OpenAIError):
    """More messages waiting to be sent over a WebSocket than `max_queue_size` allows."""


class WebSocketConnectionClosedError(OpenAIError):
    """A closed WebSocket. Where the websockets package is used, also an instance of its matching exception.

    Attributes:
        close_code: The code with which the connection was closed, 1006 where it broke.
        unsent_frames: The messages that were not sent, in order.
    """

    close_code: int
    unsent_frames: list[str | bytes]

    def __init__(self, message: str, *, unsent_messages: list[str | bytes], close_code: int = 1006) -> None:
        super().__init__(message)
        self.unsent_frames = unsent_messages
        self.close_code = close_code

    @property
    def unsent_messages(self) -> list[str]:
        """The text messages among `unsent_frames`, in order."""
        return [frame for frame in self.unsent_frames if isinstance(frame, str)]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_closed, (str(self), self.close_code))


def _closed(message: str, close_code: int) -> WebSocketConnectionClosedError:
    return WebSocketConnectionClosedError(message, unsent_messages=[], close_code=close_code)


class WebSocketRedirectError(APIConnectionError):
    """A WebSocket that the server redirects to another origin, where this client's credentials must not go."""


class InvalidWebhookSignatureError(ValueError):
    """A webhook whose signature or timestamp is invalid."""


class SubjectTokenProviderError(OpenAIError):
    """A workload's own token could not be obtained.

    Attributes:
        response: The response of the metadata server, if any.
    """

    def __init__(self, message: str, *, response: "httpx.Response | None" = None) -> None:
        super().__init__(message)
        self.response = response
