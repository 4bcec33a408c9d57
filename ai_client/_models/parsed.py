"""Results that carry something parsed, which is not sent back to the API."""

from typing import Any, ClassVar

from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from .._params.encoding import SENDING
from .base import BaseModel


class Parsed(BaseModel):
    """A result with a field of the package's own, left out where the result is part of a request."""

    _own: ClassVar[str]

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler, info: "SerializationInfo[Any]") -> Any:
        data: dict[str, Any] = handler(self)
        if info.context is SENDING:
            data.pop(self._own, None)
        return data
