"""JSON bodies, encoded by pydantic in one step."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from pydantic_core import PydanticSerializationError, SchemaSerializer, core_schema

from .._fork import building_models
from .omit import NotGiven, Omit

_serializer = SchemaSerializer(core_schema.any_schema(), core_schema.CoreConfig(ser_json_inf_nan="constants"))


SENDING: dict[str, Any] = {}
"""Serialization context of requests, for results with fields that the API does not know."""


def encode(body: object) -> bytes:
    """Encode a JSON body; pydantic models in it by the fields that were set, without `omit` and `not_given`.

    Raises:
        TypeError: Something in *body* has no JSON form.
        ValueError: A number is infinite or not a number.
    """
    try:
        encoded = _to_json(body)
    except PydanticSerializationError:  # rare: sentinels, or what has no JSON form
        encoded = _encoded_without_omitted(body)
    # In a text, or as a number; `in` takes twice as long, as it tries first whether what it looks for is a number.
    if encoded.find(b"NaN") >= 0 or encoded.find(b"Infinity") >= 0:
        json.loads(encoded, parse_constant=_reject_number, parse_int=len)
    return encoded


def _encoded_without_omitted(body: object) -> bytes:
    try:
        return _to_json(_without_omitted(body))
    except PydanticSerializationError as error:
        raise TypeError(
            str(error).removeprefix("Error serializing to JSON: ").removeprefix("TypeError: ")
        ) from None


def _reject_number(name: str) -> None:
    raise ValueError(f"{name} is no number that JSON can express: send a finite one.")


def _fallback(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, type):
        raise TypeError(
            f"The class {value.__name__} is not JSON serializable. A type as the format of an answer goes into `parse`"
            " or `stream`, not `create`."
        )
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _to_json(body: object) -> bytes:
    return _serializer.to_json(
        body, exclude_unset=True, by_alias=True, warnings=False, fallback=_fallback, context=SENDING
    )


def _without_omitted(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            name: _without_omitted(member)
            for name, member in cast("Mapping[object, object]", value).items()
            if not isinstance(member, NotGiven | Omit)
        }
    if isinstance(value, list | tuple):
        items = cast("Iterable[object]", value)
        return [_without_omitted(item) for item in items if not isinstance(item, NotGiven | Omit)]
    if isinstance(value, Iterator):
        raise TypeError("A one-shot iterator cannot be sent beside omitted values: pass a list.")
    _complete(value)
    return value


def _complete(value: object) -> None:
    """Complete lazily built model classes before serialization, which pydantic before 2.14 does not do itself."""
    parts: Iterable[object] = ()
    if isinstance(value, list | tuple):
        parts = cast("Iterable[object]", value)
    elif isinstance(value, dict):
        parts = cast("dict[str, object]", value).values()
    elif hasattr(cls := cast("Any", type(value)), "__pydantic_complete__"):
        if not cls.__pydantic_complete__:
            with building_models():
                cls.model_rebuild()
        parts = vars(value).values()
    for part in parts:
        _complete(part)
