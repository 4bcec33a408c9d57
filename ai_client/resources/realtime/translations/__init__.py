"""`client.realtime.translations`."""

from ai_client.realtime import TranslationsConnect
from ai_client.resources.realtime.translations import _generated

from ...._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ...._client.operation import RawView, StreamingView


class Translations(TranslationsConnect[M], _generated.Translations[M]):
    """Speech translated as it comes."""

    with_raw_response: "RawView[Translations[Raw], Translations[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Translations[Streaming], Translations[AsyncStreaming]]" = (
        StreamingView()
    )
