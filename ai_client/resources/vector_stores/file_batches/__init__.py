"""`client.vector_stores.file_batches`: the generated methods and the handwritten ones."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Unpack

from ai_client.types import FileChunkingStrategyParam
from ai_client.types.vector_stores import FileBatchCreateParams, VectorStoreFileBatch

from ...._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ...._client.operation import RawView, StreamingView, operation
from ...._params.files import FileTypes
from ...._params.omit import Omit, omit
from ....lib._polling import check_wait, headers, poll
from . import _generated


class FileBatches(_generated.FileBatches[M]):
    """Files that are attached to a vector store together."""

    with_raw_response: "RawView[FileBatches[Raw], FileBatches[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[FileBatches[Streaming], FileBatches[AsyncStreaming]]" = (
        StreamingView()
    )

    @operation
    async def poll(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        on_progress: Callable[[VectorStoreFileBatch], Any] | None = None,
    ) -> VectorStoreFileBatch:
        """Poll a batch until none of its files is in progress, and return it. Some may have failed: check `file_counts`.

        Args:
            batch_id: Which batch: its id.
            vector_store_id: Which store: its id.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            on_progress: A function that is called with each state, the final one included.

        Raises:
            PollTimeoutError: Files were still in progress after *max_wait_seconds*.
        """
        return await self._wait(batch_id, vector_store_id, poll_interval_ms, max_wait_seconds, on_progress)

    @operation
    async def create_and_poll(
        self,
        vector_store_id: str,
        *,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        on_progress: Callable[[VectorStoreFileBatch], Any] | None = None,
        **params: Unpack[FileBatchCreateParams],
    ) -> VectorStoreFileBatch:
        """Attach files to a store and wait until they are processed, as `poll` does.

        Args:
            vector_store_id: Which store: its id.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            on_progress: A function that is called with each state, the final one included.
            params: The keywords of `create`.

        Raises:
            PollTimeoutError: Files were still in progress after *max_wait_seconds*.
        """
        check_wait(max_wait_seconds)
        made = await _generated.FileBatches.create.within(self._as("parsed"), vector_store_id, **params)
        return await self._wait(made.id, vector_store_id, poll_interval_ms, max_wait_seconds, on_progress)

    @operation
    async def upload_and_poll(
        self,
        vector_store_id: str,
        *,
        files: Iterable[FileTypes],
        max_concurrency: int = 5,
        file_ids: Sequence[str] = (),
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
        on_progress: Callable[[VectorStoreFileBatch], Any] | None = None,
    ) -> VectorStoreFileBatch:
        """Upload files, attach them to a store and wait, as `poll` does. The first upload that fails cancels the others.

        Args:
            vector_store_id: Which store: its id.
            files: The files, each bytes, a path, an open binary file, or a tuple of file name, content and content type.
            max_concurrency: How many files are uploaded at once, at most.
            file_ids: The ids of files to attach too, ahead of those that are uploaded.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            chunking_strategy: How a file is cut into chunks; by default the server decides.
            on_progress: A function that is called with each state, the final one included.

        Raises:
            PollTimeoutError: Files were still in progress after *max_wait_seconds*.
        """
        from ai_client.resources.files import Files as Storage

        check_wait(max_wait_seconds)
        storage = Storage[M](self._client)
        uploads = [partial(Storage.create.within, storage, file=file, purpose="assistants") for file in files]
        uploaded = await self._client.io.gather(uploads, max_concurrency)
        params: FileBatchCreateParams = {"file_ids": [*file_ids, *(each.id for each in uploaded)]}
        if not isinstance(chunking_strategy, Omit):
            params["chunking_strategy"] = chunking_strategy
        made = await _generated.FileBatches.create.within(self._as("parsed"), vector_store_id, **params)
        return await self._wait(made.id, vector_store_id, poll_interval_ms, max_wait_seconds, on_progress)

    async def _wait(
        self,
        batch_id: str,
        vector_store_id: str,
        poll_interval_ms: int | Omit,
        max_wait_seconds: float | Omit,
        on_progress: Callable[[VectorStoreFileBatch], Any] | None,
    ) -> VectorStoreFileBatch:
        raw: Any = self._as("raw")

        def fetch() -> Any:
            return _generated.FileBatches.retrieve.within(
                raw, batch_id, vector_store_id=vector_store_id, extra_headers=headers(poll_interval_ms)
            )

        return await poll(
            self._client.io,
            fetch,
            lambda batch: batch.file_counts.in_progress > 0,
            what=f"the files of vector store batch {batch_id!r}",
            poll_interval_ms=poll_interval_ms,
            max_wait_seconds=max_wait_seconds,
            on_progress=on_progress,
        )
