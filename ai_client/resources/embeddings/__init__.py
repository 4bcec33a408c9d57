"""`client.embeddings`: the generated methods and the handwritten one."""

from typing import Any, Unpack

from ai_client.types.embedding import CreateEmbeddingResponse, EmbeddingCreateParams

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView, operation
from ..._params.omit import NotGiven, Omit
from . import _generated


class Embeddings(_generated.Embeddings[M]):
    """Vectors for texts."""

    with_raw_response: "RawView[Embeddings[Raw], Embeddings[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Embeddings[Streaming], Embeddings[AsyncStreaming]]" = (
        StreamingView()
    )

    @operation
    async def create(self, **params: Unpack[EmbeddingCreateParams]) -> CreateEmbeddingResponse:
        """Create an embedding for each input.

        Vectors are lists of floats, transferred as base64 unless `encoding_format` is set; with "base64" they
        are returned in that form. `buffer` of each has the floats packed, for numpy.

        Raises:
            ValueError: The server sent no embedding, or one that is no vector of 32-bit floats.
        """
        from ...lib._embeddings import EncodedResponse, PackedResponse, unpack

        cast_to: Any = CreateEmbeddingResponse
        shape: Any = None
        encoding = params.get("encoding_format")
        if encoding is None or isinstance(encoding, Omit | NotGiven):
            params["encoding_format"] = "base64"
            cast_to, shape = PackedResponse, unpack
        elif encoding == "base64":
            cast_to = EncodedResponse
        return await self._call("POST", "/embeddings", EmbeddingCreateParams, params, cast_to, shape=shape)
