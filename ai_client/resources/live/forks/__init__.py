"""`client.live.forks`."""

from ai_client._operation import AsyncRaw, AsyncStreaming, M, Raw, RawView, Streaming, StreamingView
from ai_client.live import ForksConnect
from ai_client.resources.live.forks import _generated


class Forks(ForksConnect[M], _generated.Forks[M]):
    """Forks of live sessions."""

    with_raw_response: "RawView[Forks[Raw], Forks[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Forks[Streaming], Forks[AsyncStreaming]]" = StreamingView()
