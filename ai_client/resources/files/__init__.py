"""`client.files`: the generated methods and the handwritten ones."""

from collections.abc import Callable
from typing import Any

from ai_client.types.file_object import FileObject

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView, operation
from ...lib._polling import poll
from . import _generated

_FINAL = frozenset({"processed", "error", "deleted"})


class Files(_generated.Files[M]):
    """Files that other parts of the API work on."""

    with_raw_response: "RawView[Files[Raw], Files[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Files[Streaming], Files[AsyncStreaming]]" = StreamingView()

    @operation
    async def wait_for_processing(
        self,
        id: str,
        *,
        poll_interval: float = 5.0,
        max_wait_seconds: float = 30 * 60,
        on_progress: Callable[[FileObject], Any] | None = None,
    ) -> FileObject:
        """Poll a file until it is processed, and return it. It may have failed: check `status`.

        Args:
            id: Which file: its id, as in `FileObject.id`.
            poll_interval: Seconds between requests.
            max_wait_seconds: Seconds to wait in all; by default half an hour.
            on_progress: A function that is called with each state, the final one included.

        Raises:
            PollTimeoutError: The file was still being processed after *max_wait_seconds*.
        """
        raw: Any = self._as("raw")

        def fetch() -> Any:
            return _generated.Files.retrieve.within(raw, id)

        return await poll(
            self._client.io,
            fetch,
            lambda file: file.status not in _FINAL,
            what=f"file {id!r}",
            poll_interval_ms=poll_interval * 1000,
            max_wait_seconds=max_wait_seconds,
            on_progress=on_progress,
        )
