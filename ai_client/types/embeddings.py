"""Types of `client.embeddings`."""

from collections.abc import Iterable, Sequence
from typing import Literal, Required

from .._models import BaseModel
from .._request import RequestOptions


class EmbeddingCreateParams(RequestOptions, total=False):
    """Keywords of `embeddings.create`."""

    input: Required[str | Sequence[str] | Iterable[int] | Iterable[Iterable[int]]]
    model: Required[str]
    dimensions: int
    encoding_format: Literal["float", "base64"]
    user: str


class Embedding(BaseModel):
    """One vector."""

    embedding: list[float]
    index: int
    object: str


class CreateEmbeddingResponse(BaseModel):
    """The vectors of one call."""

    data: list[Embedding]
    model: str
    object: str
