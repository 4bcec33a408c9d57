"""`client.live.forks`."""

from ai_client.live import ForksConnect
from ai_client.resources.live.forks import _generated

from ...._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ...._client.operation import RawView, StreamingView


class Forks(ForksConnect[M], _generated.Forks[M]):
    """Forks of live sessions."""

    with_raw_response: "RawView[Forks[Raw], Forks[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Forks[Streaming], Forks[AsyncStreaming]]" = StreamingView()
