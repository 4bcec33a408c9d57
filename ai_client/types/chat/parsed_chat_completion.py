"""Chat completions with structured output."""

from typing import Generic, TypeVar

from ai_client.types.chat.chat_completion import ChatCompletion, Choice
from ai_client.types.chat.chat_completion_message import ChatCompletionMessage
from ai_client.types.chat.parsed_function_tool_call import ParsedFunctionToolCall

from ..._models.parsed import Parsed

ContentType = TypeVar("ContentType")


class ParsedChatCompletionMessage(ChatCompletionMessage, Parsed, Generic[ContentType]):
    """The model's message, with its content parsed."""

    _own = "parsed"

    parsed: ContentType | None = None
    """The content as an instance of the requested type; `None` for a refusal or tool calls."""
    tool_calls: list[ParsedFunctionToolCall] | None = None  # type: ignore[assignment]
    """The functions that the model calls, each with its arguments parsed where its tool says how."""


class ParsedChoice(Choice, Generic[ContentType]):
    """A choice with a parsed message."""

    message: ParsedChatCompletionMessage[ContentType]  # pyright: ignore[reportIncompatibleVariableOverride]
    """The message of the model, with its content as an instance of the requested type."""


class ParsedChatCompletion(ChatCompletion, Generic[ContentType]):
    """A completion with parsed choices."""

    choices: list[ParsedChoice[ContentType]]  # type: ignore[assignment]
    """The answers, as many as `n` asked for: usually one. Each has its content parsed in `message.parsed`."""
