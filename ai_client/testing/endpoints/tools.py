"""Tool calls and structured output: the one that a request asks for, and content valid for its schema."""

from typing import Any

from ai_client.testing.reply import dumps
from ai_client.testing.schema import sample
from ai_client.testing.shapes import is_object


def wanted(tools: Any, choice: Any) -> dict[str, Any] | None:
    """Return the function that the request makes the model call: the named one, or the first.

    The two APIs nest differently, chat completions `{"function": {"name": ...}}` and responses `{"name": ...}`;
    the inner object is returned for both.
    """
    functions: list[dict[str, Any]] = [
        tool.get("function", tool) for tool in tools or () if tool.get("type") == "function"
    ]
    if is_object(choice) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools", choice)
        choice = allowed["tools"][0] if allowed["mode"] == "required" else "auto"
    if is_object(choice):
        name = choice.get("function", choice).get("name")
        return next((function for function in functions if function.get("name") == name), None)
    return functions[0] if functions and choice == "required" else None


def call(identifier: str, function: dict[str, Any]) -> dict[str, Any]:
    """Return a call of a function in the format of chat completions."""
    return {
        "id": identifier,
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments(function)},
    }


def arguments(function: dict[str, Any]) -> str:
    """Return arguments that are valid for the function's parameters, as JSON text."""
    return dumps(sample(function.get("parameters") or {"type": "object"})).decode()


def structured(response_format: Any) -> str | None:
    """Return JSON text for a response format that asks for JSON, else `None`."""
    if not is_object(response_format):
        return None
    kind = response_format.get("type")
    if kind == "json_schema":
        schema = response_format.get("json_schema", response_format).get("schema")
        return dumps(sample(schema or {"type": "object"})).decode()
    return '{"answer":"offline"}' if kind == "json_object" else None
