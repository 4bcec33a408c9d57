"""Annotations that keep results readable when the API says something new.

A plain `Literal` refuses a value that the API adds tomorrow, a plain discriminated union a new tag, and with it the
whole result. `Open` and `OneOf` accept both, and leave all else to pydantic's fast paths: while the shapes are those
of the description, nothing here runs.
"""

import types
import typing
from collections.abc import Callable, Iterator, Set as AbstractSet
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

import pydantic
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from .base import BaseModel
from .construct import construct

T = TypeVar("T")
_Arm: TypeAlias = CoreSchema | tuple[CoreSchema, str]
STRICT = "strict"
"""Key of a validation context that turns both annotations back into what pydantic makes of the bare types."""


class _Open:
    """The annotation of a literal that may have more values than are known."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _first_of(handler(source), _odd(lambda value: value))

    def __repr__(self) -> str:
        return "Open"


Open = Annotated[T, _Open()]
"""A literal: `Open[Literal["a", "b"]]` says "a" or "b", and lets the API say "c"."""


class OneOf:
    """Annotation of a union whose members are discriminated by the property *tag*."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        by_tag: dict[str, list[_Arm]] = {}
        without: list[_Arm] = []
        for model in members(source):
            schema = handler.generate_schema(model)
            for value in tags(model, self.tag):
                by_tag.setdefault(value, []).append(schema)
            if not model.model_fields[self.tag].is_required():
                without.append(schema)
        tagged = core_schema.tagged_union_schema(
            {value: core_schema.union_schema(arms) for value, arms in by_tag.items()}, discriminator=self.tag
        )
        untagged = [core_schema.union_schema(without)] if without else []
        return _first_of(tagged, *untagged, _odd(lambda value: self.construct(source, value)))

    def __repr__(self) -> str:
        return f"OneOf({self.tag!r})"

    def construct(self, source: Any, value: Any) -> Any:
        """Build what matches no member: the member with the right tag, else a model of no class in particular.

        What has no tag, as some servers leave it out, is the one member of which it has the most required fields, all
        of them.
        """
        if not isinstance(value, dict):
            return value
        given = typing.cast("dict[str, Any]", value)
        tag = given.get(self.tag)
        if tag is None:
            return construct(self._by_fields(source, given.keys()) or BaseModel, value)
        matching = [model for model in members(source) if tag in tags(model, self.tag)]
        return construct(matching[0] if matching else BaseModel, value)

    def _by_fields(self, source: Any, given: AbstractSet[str]) -> type[pydantic.BaseModel] | None:
        found: list[type[pydantic.BaseModel]] = []
        most = 1
        for model in members(source):
            required = {
                field.alias or name
                for name, field in model.model_fields.items()
                if field.is_required() and name != self.tag
            }
            if len(required) >= most and required <= given:
                found = [*found, model] if len(required) == most else [model]
                most = len(required)
        return found[0] if len(found) == 1 else None


def members(source: Any) -> Iterator[type[pydantic.BaseModel]]:
    """List the models of a union, through annotations and unions inside it."""
    origin = get_origin(source)
    if origin is Annotated:
        yield from members(get_args(source)[0])
    elif origin is Union or origin is types.UnionType:
        for each in get_args(source):
            yield from members(each)
    else:
        yield source


def tags(model: type[pydantic.BaseModel], name: str) -> tuple[Any, ...]:
    """List the values that a model's field may have: those of its literal."""
    return _literals(model.model_fields[name].annotation)


def _literals(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Literal, typing.Literal):
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def _first_of(*arms: CoreSchema) -> CoreSchema:
    """Try one after the other; the first costs nothing more while it matches."""
    return core_schema.union_schema(list[_Arm](arms), mode="left_to_right")


def _odd(make: Callable[[Any], Any]) -> CoreSchema:
    """Return an untyped value."""

    def check(value: Any, info: core_schema.ValidationInfo) -> Any:
        if info.context and info.context.get(STRICT):
            raise PydanticCustomError("unknown", "Value is not one of those described")
        return make(value)

    return core_schema.with_info_plain_validator_function(check)
