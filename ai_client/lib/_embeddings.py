"""Embeddings over the wire: packed as base64, which takes a quarter of the bytes and of the time."""

import sys
from array import array
from base64 import b64decode
from typing import Annotated

from pydantic import Field

from ..types.embedding import CreateEmbeddingResponse, Embedding

_FLOAT = 4


class PackedEmbedding(Embedding):
    """One vector as it may come: packed, or, from a server that knows no base64, as numbers."""

    embedding: Annotated[  # type: ignore[assignment] # the other form, for the wire alone
        bytes | list[float], Field(union_mode="left_to_right")
    ]


class PackedResponse(CreateEmbeddingResponse):
    """The vectors of one call as they may come."""

    data: list[PackedEmbedding]  # type: ignore[assignment] # as above


class EncodedEmbedding(Embedding):
    """One vector in the form that the caller asked for: base64."""

    embedding: str  # type: ignore[assignment] # what the official SDK gives, too


class EncodedResponse(CreateEmbeddingResponse):
    """The vectors of one call in base64."""

    data: list[EncodedEmbedding]  # type: ignore[assignment] # as above


def unpack(response: PackedResponse) -> CreateEmbeddingResponse:
    """Put lists of numbers in the place of the packed vectors.

    The models stay and only change their class: to make others beside so many numbers would have the garbage
    collector look at all of them.

    Raises:
        ValueError: There are none, or one is not made of 32-bit numbers.
    """
    if not response.data:
        raise ValueError("No embedding data received")
    for item in response.data:
        object.__setattr__(item, "embedding", _numbers(item.embedding))
        object.__setattr__(item, "__class__", Embedding)
    object.__setattr__(response, "__class__", CreateEmbeddingResponse)
    return response


def _numbers(vector: bytes | str | list[float]) -> list[float]:
    if isinstance(vector, list):
        return vector
    packed = b64decode(vector) if isinstance(vector, str) else vector
    if len(packed) % _FLOAT:
        raise ValueError(f"An embedding of {len(packed)} bytes is not made of 32-bit numbers")
    numbers = array("f", packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
