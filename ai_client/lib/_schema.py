"""The JSON schema of a Python type in the strict form that structured outputs and strict tools require."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import pydantic
from pydantic_core import from_json

from .._models.adapters import adapter_of
from .._models.base import is_model
from .._params.omit import NotGiven, Omit

Schema = dict[str, Any]

_NAME_LIMIT = 64
_WRAPPED = "result"
_LISTS = ("anyOf", "allOf", "prefixItems")
_MAPS = ("$defs", "definitions")


@dataclass(frozen=True, eq=False)
class Format:
    """The output format of a Python type: the schema to request it, and the decoder of the answer.

    Attributes:
        name: Its name in the request.
        schema: Its strict JSON schema. The root must be an object, so the schema of any other type is wrapped
            in one.
        wrapped: Whether it is wrapped.
        decode: Decodes a whole JSON text to an instance; raises `pydantic.ValidationError`.
    """

    name: str
    schema: Mapping[str, Any]
    wrapped: bool
    decode: Callable[[str], Any]

    def partial(self, text: str) -> object | None:
        """Decode the beginning of a JSON text without validation; return `None` where nothing can be decoded."""
        value = partial_json(text)
        if self.wrapped and isinstance(value, dict):
            return cast("dict[str, object]", value).get(_WRAPPED)
        return value


def requested_format(target: Any) -> Format | None:
    """Return the format of the type that a caller passed; `None` where it is a dictionary or was not passed.

    Raises:
        TypeError: *target* has no JSON schema.
    """
    if target is None or isinstance(target, NotGiven | Omit | Mapping):
        return None
    return format_of(target)


def partial_json(text: str) -> object | None:
    """Decode the beginning of a JSON text; return `None` where it is blank or invalid."""
    if not text or text.isspace():
        return None
    try:
        return cast("object", from_json(text, allow_partial=True))
    except ValueError:
        return None


def format_of(target: Any) -> Format:
    """Return the format of a type: a pydantic model, a dataclass, anything that `TypeAdapter` accepts, or an adapter.

    Raises:
        TypeError: *target* has no JSON schema.
    """
    try:
        return _cached_format(target)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _make_format(target)


def strict_schema(target: Any) -> Schema:
    """Return the strict JSON schema of a type.

    Every object requires all of its properties and allows no others; defaults are removed, because the model
    must provide every value; a `$ref` has no siblings.

    Raises:
        TypeError: *target* has no JSON schema.
    """
    try:
        schema = target.model_json_schema() if is_model(target) else _adapter(target).json_schema()
    except pydantic.errors.PydanticUserError as error:
        raise TypeError(f"{target!r} has no JSON schema: {error.message}") from error
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
    return adapter_of(target)


def _name(target: Any) -> str:
    if isinstance(target, pydantic.TypeAdapter):
        target = cast("Any", target)._type
    name = target.__name__ if isinstance(target, type) and not hasattr(target, "__origin__") else str(target)
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:_NAME_LIMIT] or "response"


class _Strict:
    """Converts one schema to its strict form."""

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
        if "oneOf" in schema:  # not supported by the API; the literals of the members discriminate them
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
        """Merge the siblings of a reference into a copy of its target; a recursive reference stays as it is."""
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
