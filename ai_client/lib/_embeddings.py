"""Embeddings, transferred as base64, which takes a quarter of the bytes and of the time."""

from typing import Annotated

from pydantic import Field

from .._models.vector import floats
from ..types.embedding import CreateEmbeddingResponse, Embedding


class PackedEmbedding(Embedding):
    """One vector as received: base64, or numbers from a server that does not support base64."""

    embedding: Annotated[  # type: ignore[assignment] # the encoded form, before `unpack`
        bytes | list[float], Field(union_mode="left_to_right")
    ]


class PackedResponse(CreateEmbeddingResponse):
    """The vectors of one call as received."""

    data: list[PackedEmbedding]  # type: ignore[assignment] # as above


class EncodedEmbedding(Embedding):
    """One vector in base64, as the caller requested it."""

    embedding: str  # type: ignore[assignment] # as in the official SDK


class EncodedResponse(CreateEmbeddingResponse):
    """The vectors of one call in base64."""

    data: list[EncodedEmbedding]  # type: ignore[assignment] # as above


def unpack(response: PackedResponse) -> CreateEmbeddingResponse:
    """Replace the packed vectors of a response by lists of numbers, in place.

    The models are kept and only their class is changed: new models next to so many numbers would make the
    garbage collector traverse all of them.

    Raises:
        ValueError: There are no vectors, or one does not consist of 32-bit floats, which is an `EmbeddingError`.
    """
    if not response.data:
        raise ValueError("No embedding data received")
    for item in response.data:
        vector = item.embedding
        if not isinstance(vector, list):
            object.__setattr__(item, "embedding", floats(vector).tolist())
        object.__setattr__(item, "__class__", Embedding)
    object.__setattr__(response, "__class__", CreateEmbeddingResponse)
    return response
