"""The base of every result, and how bytes become results.

A body is validated by pydantic straight from its bytes. Where a provider's shape does not validate, the result is
built all the same, from whatever the answer holds, so that a new field, tag or type never breaks a caller.
"""

import types
import typing
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, cast, get_args, get_origin

import pydantic
from pydantic_core import from_json

from ._json import as_utf8
from ._unions import STRICT, OneOf
from .errors import members_of

T = TypeVar("T")
Model = TypeVar("Model", bound=pydantic.BaseModel)


class BaseModel(pydantic.BaseModel):
    """A result: its fields as attributes, unknown ones included."""

    model_config = pydantic.ConfigDict(
        extra="allow",
        defer_build=True,
        protected_namespaces=(),
        val_json_bytes="base64",
        hide_input_in_errors=True,
    )

    _request_id: ClassVar[str | None] = None
    """The answer's `x-request-id` header, on the outermost result of a call."""
    _call_record: ClassVar[Any] = None
    """What policies noted about the call, likewise; see `ai_client.control.record.call_record`."""

    def to_dict(
        self,
        *,
        mode: Literal["json", "python"] = "python",
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> dict[str, object]:
        """Give the result as a dictionary, by default of just the fields that the server sent."""
        return self.model_dump(
            mode=mode,
            by_alias=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
            warnings=warnings,
        )

    def to_json(
        self,
        *,
        indent: int | None = 2,
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> str:
        """Give the result as JSON text, by default of just the fields that the server sent."""
        return self.model_dump_json(
            indent=indent,
            by_alias=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
            warnings=warnings,
        )


Decoder = Callable[..., Any]
_decoders: dict[Any, Decoder] = {}


def decoder(cast_to: Any, *, strict: bool = False) -> Decoder:
    """Give the decoder of a type: JSON bytes in, a validated value out; `pydantic.ValidationError` else.

    Keep it for what is decoded many times: looking up a large union hashes all its members.
    """
    found = _decoders.get(cast_to)
    if found is None:
        found = _decoders[cast_to] = _build_decoder(cast_to)
    return partial(found, context={STRICT: True}) if strict else found


def decode(cast_to: type[T], data: bytes, *, strict: bool = False) -> T:
    """Turn JSON bytes into a *cast_to*, falling back to unvalidated construction unless *strict*.

    Raises:
        pydantic.ValidationError: *data* does not validate, and *strict*.
        ValueError: *data* is not JSON.
    """
    try:
        return cast("T", decoder(cast_to, strict=strict)(data))
    except pydantic.ValidationError:
        if (utf8 := as_utf8(data)) is not None:
            return decode(cast_to, utf8, strict=strict)
        if strict:
            raise
    return cast("T", construct(cast_to, from_json(data)))


def instance(cls: type[Model], values: dict[str, Any], given: set[str]) -> Model:
    """Make an instance of a model of its fields' *values*, unvalidated, of which the fields *given* count as set."""
    made = cls.__new__(cls)
    object.__setattr__(made, "__dict__", values)
    object.__setattr__(made, "__pydantic_fields_set__", given)
    object.__setattr__(made, "__pydantic_extra__", {})
    object.__setattr__(made, "__pydantic_private__", None)
    return made


def recast(cls: type[Model], model: pydantic.BaseModel, **changes: Any) -> Model:
    """Make of a model an instance of its subclass *cls*, with some fields changed; the rest is shared."""
    made = instance(cls, {**model.__dict__, **changes}, model.model_fields_set | changes.keys())
    if model.__pydantic_extra__:
        made.__pydantic_extra__.update(model.__pydantic_extra__)  # type: ignore[union-attr]
    return made


def with_fields(model: Any, **changes: Any) -> Any:
    """Make an instance like *model* with some fields changed; the rest is shared."""
    return recast(cast("type[pydantic.BaseModel]", type(model)), model, **changes)


def fields_of(value: Any) -> Mapping[str, Any]:
    """Give the fields of a model, unknown ones included, or the members of a dictionary; none of anything else."""
    more = getattr(value, "__pydantic_extra__", ...)  # half the time of asking whether it is a model
    if more is ...:
        return members_of(value)
    fields: Mapping[str, Any] = value.__dict__
    return {**fields, **more} if more else fields


def construct(annotation: Any, value: Any) -> Any:
    """Build a value of a type from decoded JSON without insisting on its shape."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        for note in notes:
            if isinstance(note, OneOf):
                return note.construct(inner, value)
        return construct(inner, value)
    if origin is Union or origin is types.UnionType:
        return _construct_union(get_args(annotation), value)
    if origin in (list, dict) and isinstance(value, origin):
        return _construct_items(get_args(annotation)[-1], value)
    if is_model(annotation) and isinstance(value, dict):
        return _construct_model(annotation, cast("dict[str, Any]", value))
    return value


def _construct_items(item: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [construct(item, each) for each in cast("list[Any]", value)]
    return {key: construct(item, each) for key, each in value.items()}


def _build_decoder(cast_to: Any) -> Decoder:
    if is_model(cast_to):
        cast_to.model_rebuild()
        return cast("Decoder", cast_to.__pydantic_validator__.validate_json)
    return pydantic.TypeAdapter[Any](cast_to).validator.validate_json


def is_model(annotation: Any) -> bool:
    """Tell whether a type is a model."""
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)


def admits(annotation: Any, value: object, *, deep: bool = False) -> bool:
    """Tell whether a value is of the kind that a type stands for: an object where a model does, a list for a list.

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


def _construct_model(cls: type[pydantic.BaseModel], values: dict[str, Any]) -> pydantic.BaseModel:
    if not cls.__pydantic_complete__:
        cls.model_rebuild()
    fields: dict[str, Any] = {}
    rest = dict(values)
    given: set[str] = set()
    for name, field in cls.model_fields.items():
        key = field.alias or name
        if key in rest:
            annotation = field.rebuild_annotation() if field.metadata else field.annotation
            fields[name] = construct(annotation, rest.pop(key))
            given.add(name)
        elif field.is_required():
            fields[name] = None
        else:
            fields[name] = field.get_default(call_default_factory=True, validated_data={})
    return cls.model_construct(given | rest.keys(), **fields, **rest)


def _construct_union(arms: tuple[Any, ...], value: Any) -> Any:
    for arm in arms:
        try:
            return _validate(arm, value)
        except pydantic.ValidationError:
            continue
    for arm in arms:
        if get_origin(arm) is type(value):
            return construct(arm, value)
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    models = [arm for arm in map(_bare, arms) if is_model(arm)]
    for arm in models:
        if _tags_match(arm, members):
            return _construct_model(arm, members)
    if len(models) == 1:
        return _construct_model(models[0], members)
    return _construct_model(BaseModel, members) if models else members


def _validate(annotation: Any, value: Any) -> Any:
    return _adapter(annotation).validate_python(value, strict=True)


@cache
def _adapter(annotation: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(annotation)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _tags_match(cls: type[pydantic.BaseModel], values: Mapping[str, Any]) -> bool:
    tags = {
        name: get_args(field.annotation)
        for name, field in cls.model_fields.items()
        if field.is_required() and get_origin(field.annotation) in (Literal, typing.Literal)
    }
    return bool(tags) and all(values.get(name) in allowed for name, allowed in tags.items())
