"""`client.videos`: the generated methods and the handwritten ones."""

from collections.abc import Callable
from typing import Any, Unpack

from ai_client.types.video import Video, VideoCreateParams

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView, operation
from ..._params.omit import Omit, omit
from ...lib._polling import check_wait, headers, poll
from . import _generated


class Videos(_generated.Videos[M]):
    """Videos made by a model."""

    with_raw_response: "RawView[Videos[Raw], Videos[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Videos[Streaming], Videos[AsyncStreaming]]" = StreamingView()

    @operation
    async def poll(
        self,
        video_id: str,
        *,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        on_progress: Callable[[Video], Any] | None = None,
    ) -> Video:
        """Poll a video until it is finished, and return it. It may have failed: check `status` and `error`.

        Args:
            video_id: Which video: its id.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            on_progress: A function that is called with each state, whose `progress` is in percent.

        Raises:
            PollTimeoutError: The video was not finished after *max_wait_seconds*.
        """
        return await self._wait(video_id, poll_interval_ms, max_wait_seconds, on_progress)

    @operation
    async def create_and_poll(
        self,
        *,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        on_progress: Callable[[Video], Any] | None = None,
        **params: Unpack[VideoCreateParams],
    ) -> Video:
        """Create a video and wait until it is finished, as `poll` does.

        Args:
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            on_progress: A function that is called with each state, whose `progress` is in percent.
            params: The keywords of `create`.

        Raises:
            PollTimeoutError: The video was not finished after *max_wait_seconds*.
        """
        check_wait(max_wait_seconds)
        video = await _generated.Videos.create.within(self._as("parsed"), **params)
        return await self._wait(video.id, poll_interval_ms, max_wait_seconds, on_progress)

    async def _wait(
        self,
        video_id: str,
        poll_interval_ms: int | Omit,
        max_wait_seconds: float | Omit,
        on_progress: Callable[[Video], Any] | None,
    ) -> Video:
        raw: Any = self._as("raw")

        def fetch() -> Any:
            return _generated.Videos.retrieve.within(raw, video_id, extra_headers=headers(poll_interval_ms))

        return await poll(
            self._client.io,
            fetch,
            lambda video: video.status in {"queued", "in_progress"},
            what=f"video {video_id!r}",
            poll_interval_ms=poll_interval_ms,
            max_wait_seconds=max_wait_seconds,
            on_progress=on_progress,
        )
