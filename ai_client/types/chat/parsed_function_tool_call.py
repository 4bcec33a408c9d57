"""Tool calls with parsed arguments."""

from ai_client.types.chat.chat_completion_message import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageFunctionToolCallFunction,
)

from ..._models.parsed import Parsed


class ParsedFunction(ChatCompletionMessageFunctionToolCallFunction, Parsed):
    """The function to call.

    Attributes:
        parsed_arguments: An instance of the model passed to `pydantic_function_tool`, the decoded JSON for
            other strict tools,
            else `None`.
    """

    _own = "parsed_arguments"

    parsed_arguments: object | None = None


class ParsedFunctionToolCall(ChatCompletionMessageFunctionToolCall):
    """A function call with parsed arguments."""

    function: ParsedFunction  # pyright: ignore[reportIncompatibleVariableOverride]
