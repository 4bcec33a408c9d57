"""Structured outputs of responses: the format parameter, and parsing of the output."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..._models.base import recast
from ..._params.omit import NotGiven, Omit
from ...errors import members_of
from ...types.responses.parsed_response import (
    ParsedResponse,
    ParsedResponseFunctionToolCall,
    ParsedResponseOutputMessage,
    ParsedResponseOutputText,
)
from ...types.responses.response import Response
from .._schema import Format, format_of, requested_format
from .._tools import PydanticFunctionTool, Tools

_TEXT: type[ParsedResponseOutputText[Any]] = ParsedResponseOutputText
_MESSAGE: type[ParsedResponseOutputMessage[Any]] = ParsedResponseOutputMessage
_RESPONSE: type[ParsedResponse[Any]] = ParsedResponse
_ANSWER = "final_answer"


def with_text_format(params: dict[str, Any], text_format: Any) -> None:
    """Set `text.format` in a call's parameters to the format of a type.

    Raises:
        TypeError: The parameters have a format already.
    """
    if isinstance(text_format, NotGiven | Omit):
        return
    given = params.get("text")
    text = cast("dict[str, Any]", given) if isinstance(given, Mapping) else {}
    if "format" in text:
        raise TypeError("Cannot mix and match text.format with text_format")
    form = format_of(text_format)
    described = {"type": "json_schema", "strict": True, "name": form.name, "schema": form.schema}
    params["text"] = {**text, "format": described}


def format_to_parse(params: Mapping[str, Any], text_format: Any, parse_as: Any) -> Format | None:
    """Return the format in which to parse the texts of the response; `None` parses none.

    It is that of *parse_as* where given, and none where that is `None`; else that of *text_format*.

    Raises:
        TypeError: The call's input updates the format, so that it is ambiguous which one applies.
    """
    if parse_as is None:
        return None
    is_given = not isinstance(parse_as, NotGiven | Omit)
    update = _updated_format(params)
    if update is not None and update.get("type") == "text":
        if is_given:
            raise TypeError("Cannot use parse_as with a plain-text format update")
        return None
    form = requested_format(text_format)
    asked = members_of(params.get("text")).get("format")
    if update is not None and form is not None and not is_given and update != asked:
        raise TypeError(
            "Pass parse_as for the updated output schema, or parse_as=None to read plain output_text"
        )
    return requested_format(parse_as) if is_given else form


def responses_tools(tools: Iterable[Any]) -> list[Any]:
    """Convert tools built by `pydantic_function_tool` for `client.responses`; return others as they are.

    Raises:
        TypeError: A tool has the form of `client.chat` and was not built by `pydantic_function_tool`.
    """
    made: list[Any] = []
    for tool in tools:
        if tool.get("type") == "namespace":
            made.append({**tool, "tools": list(tool["tools"])})
        elif tool.get("type") != "function" or "function" not in tool:
            made.append(tool)
        elif isinstance(function := tool["function"], PydanticFunctionTool):
            made.append(
                PydanticFunctionTool({"type": "function", "description": None, **function}, function.model)
            )
        else:
            raise TypeError(
                "`client.responses` accepts a function tool in the form of `client.chat` only from"
                " `pydantic_function_tool`; write others as {'type': 'function', 'name': ..., 'parameters': ...}."
            )
    return made


def parse_response(response: Response, form: Format | None, tools: Tools) -> ParsedResponse[Any]:
    """Parse the texts and function arguments of a response.

    Raises:
        pydantic.ValidationError: A text or a function's arguments do not match their type.
    """
    output: list[Any] = []
    for item in response.output or ():
        if item.type == "message":
            content: list[Any] = [
                recast(_TEXT, each, parsed=parse_text(each.text, form, item.phase))
                if each.type == "output_text"
                else each
                for each in item.content or ()
            ]
            output.append(recast(_MESSAGE, item, content=content))
        elif item.type == "function_call":
            arguments = tools.within(item.namespace, item.name).parse(item.name, item.arguments)
            output.append(recast(ParsedResponseFunctionToolCall, item, parsed_arguments=arguments))
        else:
            output.append(item)
    return recast(_RESPONSE, response, output=output)


def parse_text(text: str, form: Format | None, phase: str | None) -> Any:
    """Parse a message's text; return `None` without a format, and for commentary before the final answer."""
    return form.decode(text) if form is not None and phase in {None, _ANSWER} else None


def _updated_format(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the last format to which the input of a call switches, if any."""
    items = members_of(params.get("extra_body")).get("input", params.get("input"))
    for item in reversed(cast("list[Any]", items)) if isinstance(items, list) else ():
        members = members_of(item)
        form = members_of(members_of(members.get("text")).get("format"))
        if members.get("type") == "configuration_update" and form:
            return form
    return None
