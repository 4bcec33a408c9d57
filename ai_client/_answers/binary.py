"""Binary answers: audio, images, files."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from .._libraries import httpx
from .._models.json import load_answer


class BinaryResponse:
    """A binary answer, held in memory; use `with_streaming_response` to read it in pieces."""

    _call_record: Any = None

    def __init__(self, response: "httpx.Response") -> None:
        self.response = response

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.response, name)

    @property
    def content(self) -> bytes:
        """The body."""
        return self.response.content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.response.text

    def json(self) -> Any:
        """Decode the body as JSON."""
        return load_answer(self.response)

    def read(self) -> bytes:
        """Return the body."""
        return self.response.content

    async def aread(self) -> bytes:
        """Return the body."""
        return self.response.content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the body."""
        return self.response.iter_bytes(chunk_size)

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Iterate over the body as text."""
        return self.response.iter_text(chunk_size)

    def iter_lines(self) -> Iterator[str]:
        """Iterate over the body's lines."""
        return self.response.iter_lines()

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Return an async iterator over the body."""
        return self.response.aiter_bytes(chunk_size)

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Return an async iterator over the body as text."""
        return self.response.aiter_text(chunk_size)

    async def aiter_lines(self) -> AsyncIterator[str]:
        """Return an async iterator over the body's lines."""
        return self.response.aiter_lines()

    def write_to_file(self, file: str | os.PathLike[str]) -> None:
        """Write the body to a file."""
        Path(file).write_bytes(self.response.content)

    def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file; use `with_streaming_response` to do so as it comes."""
        del chunk_size
        self.write_to_file(file)

    async def astream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file; use `with_streaming_response` to do so as it comes."""
        self.stream_to_file(file, chunk_size=chunk_size)

    def close(self) -> None:
        """Close the response, whose body is already in memory."""

    async def aclose(self) -> None:
        """Close the response, whose body is already in memory."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.response.status_code}, {len(self.response.content)} bytes>"


HttpxBinaryResponseContent = BinaryResponse
