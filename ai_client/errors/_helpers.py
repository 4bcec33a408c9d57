"""What the helpers around calls raise: structured answers, waiting, WebSockets, webhooks, tokens of a workload."""

import copyreg
from typing import TYPE_CHECKING, Any

from ._api import APIConnectionError
from ._base import OpenAIError

if TYPE_CHECKING:
    import httpx


class LengthFinishReasonError(OpenAIError):
    """A structured answer that was cut off by the token limit.

    Attributes:
        completion: The incomplete answer, a `ChatCompletion`; without `usage` when it was streamed.
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
    """A structured answer that the content filter stopped.

    Attributes:
        completion: What had come by then, a `ChatCompletion`, or `None`.
    """

    completion: Any

    def __init__(self, *, completion: Any = None) -> None:
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


class StreamStateError(OpenAIError, RuntimeError):
    """A stream that is not fit for what is asked of it.

    Its events make no answer: one does not fit to those before it, or the last is missing. Or somebody else reads it.
    """


class WebSocketQueueFullError(OpenAIError):
    """More messages waiting for a WebSocket than `max_queue_size` allows."""


class WebSocketConnectionClosedError(OpenAIError):
    """A WebSocket that is closed; also an exception of the websockets package of the kind that it raises then.

    Attributes:
        close_code: The code that the connection was closed with, 1006 where it broke.
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
        """The text messages, in order."""
        return [frame for frame in self.unsent_frames if isinstance(frame, str)]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_closed, (str(self), self.close_code))


def _closed(message: str, close_code: int) -> WebSocketConnectionClosedError:
    return WebSocketConnectionClosedError(message, unsent_messages=[], close_code=close_code)


class WebSocketRedirectError(APIConnectionError):
    """A server that sends a WebSocket to another origin, where this client's credentials do not belong."""


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
