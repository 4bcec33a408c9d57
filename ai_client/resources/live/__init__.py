"""`client.live`: live sessions, over HTTP and a WebSocket."""

from ai_client.live import LiveConnect
from ai_client.resources.live import _generated

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView


class Live(LiveConnect[M], _generated.Live[M]):
    """Live sessions."""

    with_raw_response: "RawView[Live[Raw], Live[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Live[Streaming], Live[AsyncStreaming]]" = StreamingView()
