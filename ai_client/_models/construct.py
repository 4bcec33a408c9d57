"""Models built from JSON of odd shapes, without validation, as far as the shapes allow."""

import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import pydantic

from .._fork import building_models
from .adapters import adapter_of
from .base import BaseModel, is_model


def construct(annotation: Any, value: Any) -> Any:
    """Build a value of a type from decoded JSON without insisting on its shape."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        for note in notes:
            if hasattr(note, "construct"):
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


def _construct_model(cls: type[pydantic.BaseModel], values: dict[str, Any]) -> pydantic.BaseModel:
    if not cls.__pydantic_fields_complete__:
        with building_models():
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
        if not _may_hold(arm, value):
            continue
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


def _may_hold(annotation: Any, value: Any) -> bool:
    """Return whether a value may validate as a type; a list or model of ours need not be built to say no."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        return _may_hold(inner, value) or not all(hasattr(note, "construct") for note in notes)
    if origin is Union or origin is types.UnionType:
        return any(_may_hold(arm, value) for arm in get_args(annotation))
    if origin in (list, dict):
        return isinstance(value, origin)
    if is_model(annotation) and issubclass(annotation, BaseModel):
        return isinstance(value, dict) or bool(annotation.__pydantic_decorators__.model_validators)
    return True


def _validate(annotation: Any, value: Any) -> Any:
    return _adapter(annotation).validate_python(value, strict=True)


@cache
def _adapter(annotation: Any) -> pydantic.TypeAdapter[Any]:
    return adapter_of(annotation)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _tags_match(cls: type[pydantic.BaseModel], values: Mapping[str, Any]) -> bool:
    tags = {
        name: get_args(field.annotation)
        for name, field in cls.model_fields.items()
        if field.is_required() and get_origin(field.annotation) in (Literal, typing.Literal)
    }
    return bool(tags) and all(values.get(name) in allowed for name, allowed in tags.items())
