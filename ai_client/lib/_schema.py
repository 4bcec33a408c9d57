"""The JSON schema of a Python type in the strict form that the API takes for answers and tool arguments."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import pydantic
from pydantic_core import from_json

from .._models.base import is_model
from .._params.omit import NotGiven, Omit

Schema = dict[str, Any]

_NAME_LIMIT = 64
_WRAPPED = "result"
_LISTS = ("anyOf", "allOf", "prefixItems")
_MAPS = ("$defs", "definitions")


@dataclass(frozen=True, eq=False)
class Format:
    """A Python type as the shape of a text: the schema that asks for it, and the way back.

    Attributes:
        name: What the API calls it.
        schema: Its strict JSON schema. The root of one is always an object, so that other types are wrapped in one.
        wrapped: Whether it is.
        decode: Turns a whole JSON text into an instance; raises `pydantic.ValidationError`.
    """

    name: str
    schema: Mapping[str, Any]
    wrapped: bool
    decode: Callable[[str], Any]

    def partial(self, text: str) -> object | None:
        """Give what the beginning of a JSON text says so far, unvalidated; `None` where it says nothing."""
        value = partial_json(text)
        if self.wrapped and isinstance(value, dict):
            return cast("dict[str, object]", value).get(_WRAPPED)
        return value


def requested_format(target: Any) -> Format | None:
    """Give the format of the type that a caller passed; `None` where it is a dictionary, or nothing was passed.

    Raises:
        TypeError: No JSON schema can be made of *target*.
    """
    if target is None or isinstance(target, NotGiven | Omit | Mapping):
        return None
    return format_of(target)


def partial_json(text: str) -> object | None:
    """Decode the beginning of a JSON text; `None` where it is blank or not the beginning of one."""
    if not text or text.isspace():
        return None
    try:
        return cast("object", from_json(text, allow_partial=True))
    except ValueError:
        return None


def format_of(target: Any) -> Format:
    """Give the format of a type: a pydantic model, a dataclass, whatever a `TypeAdapter` takes, or such an adapter.

    Raises:
        TypeError: No JSON schema can be made of *target*.
    """
    try:
        return _cached_format(target)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _make_format(target)


def strict_schema(target: Any) -> Schema:
    """Give the strict JSON schema of a type.

    Every object lists all of its properties as required and allows no others; defaults are left out, since the model
    has to say everything; a reference stands alone.

    Raises:
        TypeError: No JSON schema can be made of *target*.
    """
    try:
        schema = target.model_json_schema() if is_model(target) else _adapter(target).json_schema()
    except pydantic.errors.PydanticUserError as error:
        raise TypeError(f"No JSON schema can be made of {target!r}: {error.message}") from error
    return _Strict(schema).root()


@lru_cache(maxsize=256)
def _cached_format(target: Any) -> Format:
    return _make_format(target)


def _make_format(target: Any) -> Format:
    schema = strict_schema(target)
    wrapped = schema.get("type") != "object"
    if wrapped:
        definitions = {key: schema.pop(key) for key in _MAPS if key in schema}
        schema = {
            "type": "object",
            "properties": {_WRAPPED: schema},
            "required": [_WRAPPED],
            "additionalProperties": False,
            **definitions,
        }
    return Format(_name(target), schema, wrapped, _decoder(target, wrapped=wrapped))


def _decoder(target: Any, *, wrapped: bool) -> Callable[[str], Any]:
    if is_model(target) and not wrapped:
        return cast("Callable[[str], Any]", target.model_validate_json)
    if not wrapped:
        return _adapter(target).validate_json
    if isinstance(target, pydantic.TypeAdapter):
        target = cast("Any", target)._type
    holder = pydantic.create_model("Answer", result=(target, ...))
    return lambda text: cast("Any", holder.model_validate_json(text)).result


def _adapter(target: Any) -> "pydantic.TypeAdapter[Any]":
    if isinstance(target, pydantic.TypeAdapter):
        return cast("pydantic.TypeAdapter[Any]", target)
    return pydantic.TypeAdapter(target)


def _name(target: Any) -> str:
    if isinstance(target, pydantic.TypeAdapter):
        target = cast("Any", target)._type
    name = target.__name__ if isinstance(target, type) and not hasattr(target, "__origin__") else str(target)
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:_NAME_LIMIT] or "response"


class _Strict:
    """One schema being made strict."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._inlining: set[str] = set()

    def root(self) -> Schema:
        return cast("Schema", self._of(self._schema))

    def _of(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        schema = dict(cast("Schema", node))
        schema.pop("default", None)
        if (reference := schema.get("$ref")) is not None and len(schema) > 1:
            return self._inlined(reference, schema)
        if "oneOf" in schema:  # the API takes no `oneOf`; what tells the members apart are their own literals
            schema.pop("discriminator", None)
            schema["anyOf"] = schema.pop("oneOf")
        for key in _MAPS:
            if key in schema:
                schema[key] = {name: self._of(each) for name, each in schema[key].items()}
        for key in _LISTS:
            if key in schema:
                schema[key] = [self._of(each) for each in schema[key]]
        if "items" in schema:
            schema["items"] = self._of(schema["items"])
        if len(schema.get("allOf", ())) == 1:
            (only,) = schema.pop("allOf")
            schema = self._of({**only, **schema})
        if schema.get("type") == "object":
            self._close(schema)
        return schema

    def _close(self, schema: Schema) -> None:
        properties = schema.get("properties")
        if properties is not None:
            schema["properties"] = {name: self._of(each) for name, each in properties.items()}
            schema["required"] = list(properties)
        extra = schema.get("additionalProperties", False)
        schema["additionalProperties"] = False if extra is True and properties else self._of(extra)

    def _inlined(self, reference: str, schema: Schema) -> Schema:
        """Lay what stands beside a reference over what it refers to; a cycle of such keeps the reference."""
        if reference in self._inlining:
            return {"$ref": reference}
        target: Any = self._schema
        for step in reference.split("/")[1:]:
            target = target[step.replace("~1", "/").replace("~0", "~")]
        beside = {key: each for key, each in schema.items() if key != "$ref"}
        self._inlining.add(reference)
        try:
            return cast("Schema", self._of({**target, **beside}))
        finally:
            self._inlining.discard(reference)
