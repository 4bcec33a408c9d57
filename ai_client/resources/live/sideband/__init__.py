"""`client.live.sideband`."""

from ai_client.live import SidebandConnect
from ai_client.resources.live.sideband import _generated

from ...._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ...._client.operation import RawView, StreamingView


class Sideband(SidebandConnect[M], _generated.Sideband[M]):
    """Connections beside live sessions."""

    with_raw_response: "RawView[Sideband[Raw], Sideband[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Sideband[Streaming], Sideband[AsyncStreaming]]" = StreamingView()
