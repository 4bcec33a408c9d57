"""Base class of results, and how models are recognized, copied and read."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar, cast

import pydantic

from ..errors import members_of

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
    """The record that policies made of the call; see `ai_client.control.record.call_record`."""
    _is_page: ClassVar[bool] = False
    """Whether it is a page of a list, which can fetch the next one."""

    def __str__(self) -> str:
        """Return the same as `repr`: the class, too."""
        return repr(self)

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
        """Return the result as a dictionary, by default of just the fields that the server sent."""
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
        """Return the result as JSON text, by default of just the fields that the server sent."""
        return self.model_dump_json(
            indent=indent,
            by_alias=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
            warnings=warnings,
        )


def instance(cls: type[Model], values: dict[str, Any], given: set[str]) -> Model:
    """Make an instance of a model of its fields' *values*, unvalidated, of which the fields *given* count as set."""
    made = cls.__new__(cls)
    object.__setattr__(made, "__dict__", values)
    object.__setattr__(made, "__pydantic_fields_set__", given)
    object.__setattr__(made, "__pydantic_extra__", {})
    object.__setattr__(made, "__pydantic_private__", None)
    return made


def recast(cls: type[Model], model: pydantic.BaseModel, **changes: Any) -> Model:
    """Return *model* as an instance of its subclass *cls*, with some fields changed and the rest shared."""
    made = instance(cls, {**model.__dict__, **changes}, model.model_fields_set | changes.keys())
    if model.__pydantic_extra__:
        made.__pydantic_extra__.update(model.__pydantic_extra__)  # type: ignore[union-attr]
    return made


def with_fields(model: Any, **changes: Any) -> Any:
    """Make an instance like *model* with some fields changed; the rest is shared."""
    return recast(cast("type[pydantic.BaseModel]", type(model)), model, **changes)


_NOTHING: Mapping[str, Any] = {}


def fields_of(value: Any) -> Mapping[str, Any]:
    """Return a model's fields, unknown ones included, or a dictionary's members; empty for anything else."""
    if value is None:
        return _NOTHING
    more = getattr(value, "__pydantic_extra__", ...)  # half the time of asking whether it is a model
    if more is ...:
        return members_of(value)
    fields: Mapping[str, Any] = value.__dict__
    return {**fields, **more} if more else fields


def is_model(annotation: Any) -> bool:
    """Return whether a type is a model."""
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)
