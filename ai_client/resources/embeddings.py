"""`client.embeddings`."""

from typing import Unpack

from .._operation import (
    AsyncRaw,
    AsyncStreaming,
    M,
    Raw,
    RawView,
    Resource,
    Streaming,
    StreamingView,
    operation,
)
from ..types.embeddings import CreateEmbeddingResponse, EmbeddingCreateParams


class Embeddings(Resource[M]):
    """Vectors for texts."""

    with_raw_response: "RawView[Embeddings[Raw], Embeddings[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Embeddings[Streaming], Embeddings[AsyncStreaming]]" = (
        StreamingView()
    )

    @operation
    async def create(self, **params: Unpack[EmbeddingCreateParams]) -> CreateEmbeddingResponse:
        """Create an embedding for each input."""
        return await self._post("/embeddings", EmbeddingCreateParams, params, CreateEmbeddingResponse)
