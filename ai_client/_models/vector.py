"""Vectors of embeddings as packed 32-bit floats."""

import struct
import sys
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pydantic

from ..errors import EmbeddingError

if TYPE_CHECKING:
    Floats: TypeAlias = memoryview[float]
else:
    Floats = memoryview  # which takes no parameter before Python 3.14

_FLOAT = 4
_base64 = cast(
    "Callable[[str], bytes]",
    pydantic.TypeAdapter(
        bytes, config=pydantic.ConfigDict(val_json_bytes="base64")
    ).validator.validate_strings,
)
"""Decodes base64 in a fifth of the time that the standard library takes."""


class Buffered:
    """Attributes of an embedding that are computed, not sent by the API."""

    @property
    def buffer(self: Any) -> Floats:
        """The vector as packed 32-bit floats in this machine's byte order, read-only.

        `numpy.asarray(embedding.buffer)` is an array of them without a copy. A vector that was requested with
        `encoding_format="base64"` is decoded each time that this is read, and never becomes a list; one that is a
        list is packed, its numbers rounded to 32 bits.

        Raises:
            EmbeddingError: The vector is no base64 of 32-bit floats, or a number does not fit into 32 bits.
        """
        vector = self.embedding
        return floats(vector) if isinstance(vector, str) else _packed(vector)


def floats(vector: bytes | str) -> Floats:
    """Return the floats of a vector as the API sends it: little-endian bytes, or these in base64.

    Raises:
        EmbeddingError: It is no base64, or not made of 32-bit floats.
    """
    packed = _decoded(vector) if isinstance(vector, str) else vector
    if len(packed) % _FLOAT:
        raise EmbeddingError(f"An embedding of {len(packed)} bytes does not consist of 32-bit floats")
    if sys.byteorder == "big":
        swapped = array("f", packed)
        swapped.byteswap()
        packed = swapped.tobytes()
    return memoryview(packed).cast("f")


def _decoded(text: str) -> bytes:
    try:
        return _base64(text)
    except pydantic.ValidationError:
        pass
    try:
        return _base64("".join(text.split()))  # it is in lines, as some encoders write it
    except pydantic.ValidationError:
        raise EmbeddingError("The embedding is not valid base64") from None


def _packed(vector: Any) -> Floats:
    try:
        packed = struct.pack(f"={len(vector)}f", *vector)
    except (struct.error, OverflowError, TypeError) as error:
        raise EmbeddingError(f"The embedding cannot be packed as 32-bit floats: {error}") from error
    return memoryview(packed).cast("f")
