"""Tool calls whose arguments were parsed."""

from ai_client.types.chat.chat_completion_message import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageFunctionToolCallFunction,
)

from ..._models.parsed import Parsed


class ParsedFunction(ChatCompletionMessageFunctionToolCallFunction, Parsed):
    """The function to call.

    Attributes:
        parsed_arguments: An instance of the model that the tool was made of with `pydantic_function_tool`, the decoded
            JSON for other strict tools, else `None`.
    """

    _own = "parsed_arguments"

    parsed_arguments: object | None = None


class ParsedFunctionToolCall(ChatCompletionMessageFunctionToolCall):
    """A call of a function, its arguments parsed."""

    function: ParsedFunction  # pyright: ignore[reportIncompatibleVariableOverride]
