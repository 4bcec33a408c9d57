"""Models some of whose fields are computed when they are first read."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import PrivateAttr, SerializerFunctionWrapHandler, model_serializer

from .base import BaseModel, instance


class LazyModel(BaseModel):  # noqa: PLW1641 - a model that can change has no hash
    """A model that computes some fields on their first use; comparing, printing or dumping it uses all of them."""

    _later: dict[str, Callable[[], Any]] = PrivateAttr()

    @classmethod
    def of(cls, values: dict[str, Any], later: Mapping[str, Callable[[], Any]]) -> Self:
        """Make an instance of *values* and of what the functions in *later* return; nothing is validated."""
        self = instance(cls, values, set(cls.model_fields))
        object.__setattr__(self, "__pydantic_private__", {"_later": dict(later)})
        return self

    if not TYPE_CHECKING:  # a checker would take every attribute for valid

        def __getattr__(self, name: str) -> Any:
            private = object.__getattribute__(self, "__pydantic_private__")
            if private and name in (later := private["_later"]):
                value = self.__dict__[name] = later[name]()
                del later[name]
                return value
            return super().__getattr__(name)

    def _complete(self) -> Self:
        for name in tuple(cast("Mapping[str, Any]", (self.__pydantic_private__ or {}).get("_later", ()))):
            getattr(self, name)
        return self

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> Any:
        return handler(self._complete())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LazyModel):
            other._complete()
            return self._complete().__dict__ == other.__dict__ and type(self) is type(other)
        return NotImplemented

    def __repr_args__(self) -> Any:
        return self._complete()._public_args()

    def _public_args(self) -> Any:
        return super().__repr_args__()

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        return super(LazyModel, self._complete()).__iter__()

    def __getstate__(self) -> dict[Any, Any]:
        return super(LazyModel, self._complete()).__getstate__()

    def __copy__(self) -> Self:
        return super(LazyModel, self._complete()).__copy__()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return super(LazyModel, self._complete()).__deepcopy__(memo)
