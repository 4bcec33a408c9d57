"""Tool calls with parsed arguments."""

from ai_client.types.chat.chat_completion_message import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageFunctionToolCallFunction,
)

from ..._models.parsed import Parsed


class ParsedFunction(ChatCompletionMessageFunctionToolCallFunction, Parsed):
    """The function to call."""

    _own = "parsed_arguments"

    parsed_arguments: object | None = None
    """An instance of the model passed to `pydantic_function_tool`, the decoded JSON for other strict tools, else
    `None`."""


class ParsedFunctionToolCall(ChatCompletionMessageFunctionToolCall):
    """A function call with parsed arguments."""

    function: ParsedFunction  # pyright: ignore[reportIncompatibleVariableOverride]
    """The function, with its arguments as the model wrote them and parsed."""
