"""`client.models`."""

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
from .._pages import PlainListing, pages
from .._request import RequestOptions, path
from ..types.models import Model


class Models(Resource[M]):
    """The models that the API offers."""

    with_raw_response: "RawView[Models[Raw], Models[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Models[Streaming], Models[AsyncStreaming]]" = StreamingView()

    @pages
    def list(self, **options: Unpack[RequestOptions]) -> PlainListing[Model]:
        """List the models."""
        return PlainListing(self, "/models", RequestOptions, options, Model)

    @operation
    async def retrieve(self, model: str, **options: Unpack[RequestOptions]) -> Model:
        """Describe one model."""
        return await self._get(path("/models/{model}", model=model), RequestOptions, options, Model)
