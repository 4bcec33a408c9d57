"""Structured outputs of chat completions: the format parameter, and parsing of the answer."""

import logging
from typing import Any, TypeGuard

from ..._models.base import is_model, recast
from ...errors import ContentFilterFinishReasonError, LengthFinishReasonError
from ...types.chat import (
    ChatCompletion,
    ChatCompletionMessageFunctionToolCall,
    ParsedChatCompletion,
    ParsedChatCompletionMessage,
    ParsedChoice,
    ParsedFunction,
    ParsedFunctionToolCall,
)
from .._schema import Format, requested_format
from .._tools import Tools

logger = logging.getLogger("ai_client")

_CHOICE: type[ParsedChoice[Any]] = ParsedChoice
_MESSAGE: type[ParsedChatCompletionMessage[Any]] = ParsedChatCompletionMessage
_COMPLETION: type[ParsedChatCompletion[Any]] = ParsedChatCompletion

UNFINISHED = frozenset({"length", "content_filter"})
"""Finish reasons after which the content is incomplete and cannot be parsed."""


def chat_format_param(response_format: Any) -> Any:
    """Convert a type to the `response_format` parameter; return anything that is not a type as it is."""
    form = requested_format(response_format)
    if form is None:
        return response_format
    return {
        "type": "json_schema",
        "json_schema": {"schema": form.schema, "name": form.name, "strict": True},
    }


def parse_chat_completion(
    completion: ChatCompletion, form: Format | None, tools: Tools
) -> ParsedChatCompletion[Any]:
    """Parse the contents and tool arguments of a completion.

    Raises:
        LengthFinishReasonError: The completion was cut off by the token limit.
        ContentFilterFinishReasonError: The content filter stopped it.
        pydantic.ValidationError: A content or a tool's arguments do not match their type.
    """
    choices: list[ParsedChoice[Any]] = []
    for choice in completion.choices or ():
        refuse_unfinished(choice.finish_reason, completion)
        message = choice.message
        parsed = None
        if form is not None and message.content and not message.refusal:
            parsed = form.decode(message.content)
        calls = _parsed_calls(message.tool_calls or (), tools)
        choices.append(
            recast(
                _CHOICE,
                choice,
                message=recast(_MESSAGE, message, parsed=parsed, tool_calls=calls),
            )
        )
    return recast(_COMPLETION, completion, choices=choices)


def refuse_unfinished(finish_reason: str | None, completion: ChatCompletion) -> None:
    """Raise the error for a finish reason that leaves the content incomplete.

    Raises:
        LengthFinishReasonError: The completion was cut off by the token limit.
        ContentFilterFinishReasonError: The content filter stopped it.
    """
    if finish_reason == "length":
        raise LengthFinishReasonError(completion=completion)
    if finish_reason == "content_filter":
        raise ContentFilterFinishReasonError(completion=completion)


def _parsed_calls(calls: Any, tools: Tools) -> list[ParsedFunctionToolCall] | None:
    parsed: list[ParsedFunctionToolCall] = []
    for call in calls:
        if not _is_of_a_function(call):
            name = getattr(call, "id", None)
            logger.warning("The call %r of a custom tool is left out: only functions are parsed.", name)
            continue
        arguments = tools.parse(call.function.name, call.function.arguments)
        function = recast(ParsedFunction, call.function, parsed_arguments=arguments)
        parsed.append(recast(ParsedFunctionToolCall, call, function=function))
    return parsed or None


def _is_of_a_function(call: Any) -> TypeGuard[ChatCompletionMessageFunctionToolCall]:
    """Return whether a call is one of a function; some servers leave out its type."""
    kind: object = getattr(call, "type", None)
    if kind is None:
        return is_model(type(getattr(call, "function", None)))
    return kind == "function" and isinstance(call, ChatCompletionMessageFunctionToolCall)
