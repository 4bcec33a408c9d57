"""`client.realtime`: conversations by voice and text, over HTTP and a WebSocket."""

from ai_client.realtime import RealtimeConnect
from ai_client.resources.realtime import _generated

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView


class Realtime(RealtimeConnect[M], _generated.Realtime[M]):
    """Conversations by voice and text."""

    with_raw_response: "RawView[Realtime[Raw], Realtime[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Realtime[Streaming], Realtime[AsyncStreaming]]" = StreamingView()
