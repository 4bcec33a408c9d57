"""Chat completions with structured output."""

from typing import Generic, TypeVar

from ai_client.types.chat.chat_completion import ChatCompletion, Choice
from ai_client.types.chat.chat_completion_message import ChatCompletionMessage
from ai_client.types.chat.parsed_function_tool_call import ParsedFunctionToolCall

from ..._models.parsed import Parsed

ContentType = TypeVar("ContentType")


class ParsedChatCompletionMessage(ChatCompletionMessage, Parsed, Generic[ContentType]):
    """The model's message, with its content parsed.

    Attributes:
        parsed: The content as an instance of the requested type; `None` for a refusal or tool calls.
    """

    _own = "parsed"

    parsed: ContentType | None = None
    tool_calls: list[ParsedFunctionToolCall] | None = None  # type: ignore[assignment]


class ParsedChoice(Choice, Generic[ContentType]):
    """A choice with a parsed message."""

    message: ParsedChatCompletionMessage[ContentType]  # pyright: ignore[reportIncompatibleVariableOverride]


class ParsedChatCompletion(ChatCompletion, Generic[ContentType]):
    """A completion with parsed choices."""

    choices: list[ParsedChoice[ContentType]]  # type: ignore[assignment]
