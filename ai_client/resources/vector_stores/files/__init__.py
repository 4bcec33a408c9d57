"""`client.vector_stores.files`: the generated methods and the handwritten ones."""

from collections.abc import Callable, Mapping
from typing import Any, Unpack

from ai_client.types import FileChunkingStrategyParam
from ai_client.types.vector_stores import VectorStoreFile

from ...._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ...._client.operation import RawView, StreamingView, operation
from ...._params.files import FileTypes
from ...._params.omit import MethodOptions, Omit, omit
from ....lib._polling import check_wait, headers, poll
from . import _generated


class AttachOptions(MethodOptions, total=False):
    """Keywords of `create_and_poll` for attaching a file to a store."""

    attributes: Mapping[str, str | float | bool] | None
    """Values by name, by which a search can filter."""
    chunking_strategy: FileChunkingStrategyParam
    """How a file is cut into chunks; by default the server decides."""


class Files(_generated.Files[M]):
    """The files of a vector store."""

    with_raw_response: "RawView[Files[Raw], Files[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Files[Streaming], Files[AsyncStreaming]]" = StreamingView()

    @operation
    async def poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        on_progress: Callable[[VectorStoreFile], Any] | None = None,
    ) -> VectorStoreFile:
        """Poll a file until it is processed, and return it. It may have failed: check `status` and `last_error`.

        Args:
            file_id: Which file: its id.
            vector_store_id: Which store: its id.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            on_progress: A function that is called with each state, the final one included.

        Raises:
            PollTimeoutError: The file was still in progress after *max_wait_seconds*.
        """
        return await self._wait(file_id, vector_store_id, poll_interval_ms, max_wait_seconds, on_progress)

    @operation
    async def create_and_poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        on_progress: Callable[[VectorStoreFile], Any] | None = None,
        **params: Unpack[AttachOptions],
    ) -> VectorStoreFile:
        """Attach a file to a store and wait until it is processed, as `poll` does.

        Args:
            file_id: Which file: its id.
            vector_store_id: Which store: its id.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            on_progress: A function that is called with each state, the final one included.
            params: `attributes` and `chunking_strategy`, as in `upload_and_poll`.

        Raises:
            PollTimeoutError: The file was still in progress after *max_wait_seconds*.
        """
        check_wait(max_wait_seconds)
        plain = self._as("parsed")
        await _generated.Files.create.within(plain, vector_store_id, file_id=file_id, **params)
        return await self._wait(file_id, vector_store_id, poll_interval_ms, max_wait_seconds, on_progress)

    @operation
    async def upload(
        self,
        *,
        vector_store_id: str,
        file: FileTypes,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
    ) -> VectorStoreFile:
        """Upload a file and attach it to a store, without waiting until it is processed.

        Args:
            vector_store_id: Which store: its id.
            file: The file: bytes, a path, an open binary file, or a tuple of file name, content and content type.
            chunking_strategy: How a file is cut into chunks; by default the server decides.
        """
        plain = self._as("parsed")
        uploaded = await self._upload(file)
        return await _generated.Files.create.within(
            plain, vector_store_id, file_id=uploaded, **_given(chunking_strategy=chunking_strategy)
        )

    @operation
    async def upload_and_poll(
        self,
        *,
        vector_store_id: str,
        file: FileTypes,
        attributes: Mapping[str, str | float | bool] | Omit | None = omit,
        poll_interval_ms: int | Omit = omit,
        max_wait_seconds: float | Omit = omit,
        chunking_strategy: FileChunkingStrategyParam | Omit = omit,
        on_progress: Callable[[VectorStoreFile], Any] | None = None,
    ) -> VectorStoreFile:
        """Upload a file, attach it to a store and wait until it is processed, as `poll` does.

        Args:
            vector_store_id: Which store: its id.
            file: The file: bytes, a path, an open binary file, or a tuple of file name, content and content type.
            attributes: Values by name, by which a search can filter.
            poll_interval_ms: Milliseconds between requests; by default what the server proposes, else 1000.
            max_wait_seconds: Seconds to wait in all; without bound by default.
            chunking_strategy: How a file is cut into chunks; by default the server decides.
            on_progress: A function that is called with each state, the final one included.

        Raises:
            PollTimeoutError: The file was still in progress after *max_wait_seconds*.
        """
        check_wait(max_wait_seconds)
        uploaded = await self._upload(file)
        await _generated.Files.create.within(
            self._as("parsed"),
            vector_store_id,
            file_id=uploaded,
            **_given(attributes=attributes, chunking_strategy=chunking_strategy),
        )
        return await self._wait(uploaded, vector_store_id, poll_interval_ms, max_wait_seconds, on_progress)

    async def _upload(self, file: FileTypes) -> str:
        from ai_client.resources.files import Files as Storage

        return (await Storage.create.within(Storage[M](self._client), file=file, purpose="assistants")).id

    async def _wait(
        self,
        file_id: str,
        vector_store_id: str,
        poll_interval_ms: int | Omit,
        max_wait_seconds: float | Omit,
        on_progress: Callable[[VectorStoreFile], Any] | None,
    ) -> VectorStoreFile:
        raw: Any = self._as("raw")

        def fetch() -> Any:
            return _generated.Files.retrieve.within(
                raw, file_id, vector_store_id=vector_store_id, extra_headers=headers(poll_interval_ms)
            )

        return await poll(
            self._client.io,
            fetch,
            lambda file: file.status == "in_progress",
            what=f"vector store file {file_id!r}",
            poll_interval_ms=poll_interval_ms,
            max_wait_seconds=max_wait_seconds,
            on_progress=on_progress,
        )


def _given(**params: Any) -> Any:
    return {name: value for name, value in params.items() if not isinstance(value, Omit)}
