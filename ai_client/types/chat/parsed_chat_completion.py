"""Answers whose content was parsed into a type of the caller's."""

from typing import Generic, TypeVar

from ai_client.types.chat.chat_completion import ChatCompletion, Choice
from ai_client.types.chat.chat_completion_message import ChatCompletionMessage
from ai_client.types.chat.parsed_function_tool_call import ParsedFunctionToolCall

from ..._models.parsed import Parsed

ContentType = TypeVar("ContentType")


class ParsedChatCompletionMessage(ChatCompletionMessage, Parsed, Generic[ContentType]):
    """The model's turn, with its content as an instance of a type.

    Attributes:
        parsed: The content, or `None` where there is none: a refusal, or a call of tools.
    """

    _own = "parsed"

    parsed: ContentType | None = None
    tool_calls: list[ParsedFunctionToolCall] | None = None  # type: ignore[assignment]


class ParsedChoice(Choice, Generic[ContentType]):
    """One of the answers."""

    message: ParsedChatCompletionMessage[ContentType]  # pyright: ignore[reportIncompatibleVariableOverride]


class ParsedChatCompletion(ChatCompletion, Generic[ContentType]):
    """An answer, parsed."""

    choices: list[ParsedChoice[ContentType]]  # type: ignore[assignment]
