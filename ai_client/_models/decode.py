"""The base of every result, and how bytes become results.

A body is validated by pydantic straight from its bytes. Where a provider's shape does not validate, the result is
built all the same, from whatever the answer holds, so that a new field, tag or type never breaks a caller.
"""

import types
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import pydantic
from pydantic_core import from_json

from .._fork import building_models, here
from .adapters import adapter_of
from .base import is_model
from .construct import construct
from .json import as_utf8
from .unions import STRICT

T = TypeVar("T")


Decoder = Callable[..., Any]
_decoders: dict[Any, Decoder] = {}


def decoder(cast_to: Any, *, strict: bool = False) -> Decoder:
    """Return the cached decoder of a type: JSON bytes to a validated value.

    Keep it for what is decoded many times: looking up a large union hashes all its members.
    """
    found = _decoders.get(cast_to)
    if found is None:
        here()  # a thread of the parent may have held pydantic's lock at the fork
        found = _decoders[cast_to] = _build_decoder(cast_to)
    return partial(found, context={STRICT: True}) if strict else found


def is_slow_to_build(cast_to: Any) -> bool:
    """Return whether building a type's decoder may take long: that of a model not built yet, or of a composed type."""
    if cast_to in _decoders:
        return False
    return not cast_to.__pydantic_complete__ if is_model(cast_to) else get_origin(cast_to) is not None


def decode(cast_to: type[T], data: bytes, *, strict: bool = False) -> T:
    """Decode JSON bytes as *cast_to*, falling back to unvalidated construction unless *strict*.

    Raises:
        pydantic.ValidationError: *data* does not validate, and *strict*.
        ValueError: *data* is not JSON.
    """
    try:
        decoded: T = decoder(cast_to, strict=strict)(data)
    except pydantic.ValidationError:
        if (utf8 := as_utf8(data)) is not None:
            return decode(cast_to, utf8, strict=strict)
        if strict:
            raise
    else:
        return decoded
    return cast("T", construct(cast_to, from_json(data)))


def _build_decoder(cast_to: Any) -> Decoder:
    if is_model(cast_to):
        with building_models():
            cast_to.model_rebuild()
        return cast("Decoder", cast_to.__pydantic_validator__.validate_json)
    return adapter_of(cast_to).validator.validate_json


def admits(annotation: Any, value: object, *, deep: bool = False) -> bool:
    """Return whether a value has a type's JSON kind: an object for a model, an array for a list.

    With *deep*, the items of a list count too.
    """
    if is_model(annotation):
        return isinstance(value, pydantic.BaseModel)
    origin = get_origin(annotation)
    if origin is Annotated:
        return admits(get_args(annotation)[0], value, deep=deep)
    if origin is Union or origin is types.UnionType:
        return any(admits(arm, value, deep=deep) for arm in get_args(annotation))
    kind = origin or annotation
    if kind not in (list, dict):
        return True
    if deep and origin is list and isinstance(value, list):
        (item,) = get_args(annotation)
        return all(admits(item, each) for each in cast("list[Any]", value))
    return isinstance(value, kind)
