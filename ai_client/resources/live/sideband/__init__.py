"""`client.live.sideband`."""

from ai_client._operation import AsyncRaw, AsyncStreaming, M, Raw, RawView, Streaming, StreamingView
from ai_client.live import SidebandConnect
from ai_client.resources.live.sideband import _generated


class Sideband(SidebandConnect[M], _generated.Sideband[M]):
    """Connections beside live sessions."""

    with_raw_response: "RawView[Sideband[Raw], Sideband[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Sideband[Streaming], Sideband[AsyncStreaming]]" = StreamingView()
