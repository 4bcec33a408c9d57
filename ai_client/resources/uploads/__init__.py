"""`client.uploads`: the generated methods and the handwritten ones."""

import os
from pathlib import Path
from typing import IO, Any

from ai_client.types.upload import Upload

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView, operation
from ..._params.omit import Omit, omit
from . import _generated
from .parts import Parts

DEFAULT_PART_SIZE = 64 * 1024 * 1024


class _Content:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def read(self, size: int) -> bytes:
        start, self._place = self._place, self._place + size
        return self._content[start : self._place]

    def close(self) -> None:
        """Do nothing: no resource is open."""


class _OnDisk:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def read(self, size: int) -> bytes:
        if self._file is None:
            self._file = self.path.open("rb")
        return self._file.read(size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class Uploads(_generated.Uploads[M]):
    """Files that are sent in parts."""

    with_raw_response: "RawView[Uploads[Raw], Uploads[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Uploads[Streaming], Uploads[AsyncStreaming]]" = StreamingView()

    @operation
    async def upload_file_chunked(
        self,
        *,
        file: "os.PathLike[str] | str | bytes",
        mime_type: str,
        purpose: Any,
        filename: str | None = None,
        bytes: int | None = None,
        part_size: int | None = None,
        md5: str | Omit = omit,
    ) -> Upload:
        """Upload a file in parts, one after the other; only one part is held in memory.

        Args:
            file: Its path, or its content, which requires *filename* and *bytes*.
            mime_type: Its MIME type.
            purpose: Its purpose, as in `files.create`.
            filename: Its name; by default that on disk.
            bytes: Its length; by default that on disk.
            part_size: Bytes per part; by default 64 MiB, the API's maximum.
            md5: Its checksum in hexadecimal, which the server verifies.

        Raises:
            TypeError: Content was passed without a name or a length.
        """
        source: _Content | _OnDisk
        if isinstance(file, str | os.PathLike):
            source = _OnDisk(Path(file))
            filename = filename or source.path.name
            bytes = source.path.stat().st_size if bytes is None else bytes  # noqa: A001 - as above
        else:
            if filename is None:
                raise TypeError("The `filename` argument must be given for in-memory files")
            if bytes is None:
                raise TypeError("The `bytes` argument must be given for in-memory files")
            source = _Content(file)
        plain: Any = self._as("parsed")
        upload = await _generated.Uploads.create.within(
            plain, bytes=bytes, filename=filename, mime_type=mime_type, purpose=purpose
        )
        part_ids = await self._send(upload.id, source, part_size or DEFAULT_PART_SIZE)
        checksum: Any = {} if isinstance(md5, Omit) else {"md5": md5}
        return await _generated.Uploads.complete.within(plain, upload.id, part_ids=part_ids, **checksum)

    async def _send(self, upload_id: str, source: _Content | _OnDisk, size: int) -> list[str]:
        parts = Parts[M](self._client)
        io = self._client.io
        ids: list[str] = []
        try:
            while data := await io.call_aside(source.read, size):
                ids.append((await Parts.create.within(parts, upload_id, data=data)).id)
        finally:
            source.close()
        return ids
