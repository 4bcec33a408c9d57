"""Function tools whose arguments are parsed."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import pydantic
from pydantic_core import from_json

from .._params.omit import NotGiven, Omit, omit
from ..types.chat import ChatCompletionFunctionToolParam
from ..types.responses import FunctionToolParam
from ._schema import partial_json, strict_schema


class PydanticFunctionTool(dict[str, Any]):
    """A function definition that keeps the model of its arguments."""

    def __init__(self, definition: dict[str, Any], model: type[pydantic.BaseModel]) -> None:
        super().__init__(definition)
        self.model = model


def pydantic_function_tool(
    model: type[pydantic.BaseModel], *, name: str | None = None, description: str | None = None
) -> ChatCompletionFunctionToolParam:
    """Build a tool from a model: its fields are the arguments, its docstring is the description.

    Calls of the tool returned by `parse` and `stream` have an instance of *model* as `parsed_arguments`.

    Raises:
        TypeError: The schema of *model* is not an object's.
    """
    parameters = strict_schema(model)
    if parameters.get("type") != "object":
        raise TypeError(
            f"The schema of {model.__name__} is not an object's, as a function's arguments require."
        )
    definition = PydanticFunctionTool(
        {"name": name or model.__name__, "strict": True, "parameters": parameters}, model
    )
    if description is None:
        description = model.__doc__
    if description is not None:
        definition["description"] = description
    return {"type": "function", "function": cast("Any", definition)}


def pydantic_responses_function_tool(
    model: type[pydantic.BaseModel],
    *,
    name: str | None = None,
    description: str | None = None,
    defer_loading: bool | Omit = omit,
) -> FunctionToolParam:
    """Build a tool for `client.responses` from a model, as `pydantic_function_tool` does for `client.chat`.

    With *defer_loading*, the model does not see the tool until a tool search finds it.
    """
    function: Any = pydantic_function_tool(model, name=name, description=description)["function"]
    tool = PydanticFunctionTool({"type": "function", **function}, model)
    if not isinstance(defer_loading, Omit):
        tool["defer_loading"] = defer_loading
    return cast("FunctionToolParam", tool)


class Tools:
    """The tools of a call, for parsing the arguments that the model passes to them."""

    def __init__(self, tools: Iterable[Mapping[str, Any]] = ()) -> None:
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self._namespaces: dict[str, Tools] = {}
        for tool in tools:
            if tool.get("type") == "namespace":
                self._namespaces[tool["name"]] = Tools(tool["tools"])
            definition = tool.get("function", tool)
            if tool.get("type") == "function" and isinstance(name := definition.get("name"), str):
                self._definitions.setdefault(name, definition)

    @property
    def parseable(self) -> bool:
        """Whether any tool has parseable arguments."""
        return any(map(self._is_parseable, self._definitions))

    def within(self, namespace: str | None, name: str) -> "Tools":
        """Return the tools of a call's namespace; a function may be its own namespace."""
        if namespace is None:
            return self
        return self._namespaces.get(namespace, self if namespace == name else Tools())

    def parse(self, name: str, arguments: str) -> object | None:
        """Decode the arguments of a call; return `None` where the tool is unknown or not strict.

        Raises:
            pydantic.ValidationError: The arguments do not match the tool's model.
            ValueError: They are not JSON.
        """
        if not self._is_parseable(name):
            return None
        definition = self._definitions[name]
        if isinstance(definition, PydanticFunctionTool):
            return definition.model.model_validate_json(arguments)
        return cast("object", from_json(arguments))

    def parse_partial(self, name: str, arguments: str) -> object | None:
        """Decode the beginning of a call's arguments without validation."""
        return partial_json(arguments) if self._is_parseable(name) else None

    def _is_parseable(self, name: str) -> bool:
        definition = self._definitions.get(name)
        return isinstance(definition, PydanticFunctionTool) or bool(definition and definition.get("strict"))


def given_tools(tools: Any) -> list[Any] | None:
    """Return a call's `tools` as a list, which can be iterated more than once; `None` where there are none."""
    return None if tools is None or isinstance(tools, NotGiven | Omit) else list(tools)


def require_strict(tools: Iterable[Mapping[str, Any]]) -> None:
    """Validate that `parse` can parse the arguments of all tools.

    Raises:
        ValueError: A tool is not a function, or not strict.
    """
    for tool in tools:
        if tool.get("type") != "function":
            raise ValueError(
                f"Currently only `function` tool types support auto-parsing; Received `{tool.get('type')}`"
            )
        if tool["function"].get("strict") is not True:
            raise ValueError(
                f"`{tool['function']['name']}` is not strict. Only `strict` function tools can be auto-parsed"
            )
