"""Answers as they came over HTTP: `with_raw_response` and `with_streaming_response`."""

import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, overload

from .._io import finish
from .._models.json import load_answer
from .base_response import BaseResponse

T = TypeVar("T")
Other = TypeVar("Other")


class LegacyAPIResponse(BaseResponse[T]):
    """The HTTP response of a call, its body read; `parse` gives the result. Both clients' `with_raw_response`."""

    @overload
    def parse(self) -> T: ...
    @overload
    def parse(self, *, to: type[Other]) -> Other: ...
    def parse(self, *, to: Any = None) -> Any:
        """Return the result of the method without `with_raw_response`, or the answer parsed as another type."""
        return self._result(to)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.http_response.text

    @property
    def content(self) -> bytes:
        """The body."""
        return self.http_response.content


class APIResponse(BaseResponse[T]):
    """The HTTP response of a sync call, its body not yet read."""

    @overload
    def parse(self) -> T: ...
    @overload
    def parse(self, *, to: type[Other]) -> Other: ...
    def parse(self, *, to: Any = None) -> Any:
        """Read the body and return the result, parsed as *to* if given; a stream if the call streams."""
        if self._call.stream is None:
            self.read()
        return self._result(to)

    def read(self) -> bytes:
        """Read the whole body."""
        return finish(self._read())

    def text(self) -> str:
        """Read the whole body as text."""
        self.read()
        return self.http_response.text

    def json(self) -> object:
        """Read the whole body as JSON."""
        self.read()
        return load_answer(self.http_response)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the decoded body."""
        return self._each(self.http_response.iter_bytes(chunk_size))

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Iterate over the body as text."""
        return self._each(self.http_response.iter_text(chunk_size))

    def iter_lines(self) -> Iterator[str]:
        """Iterate over the body's lines."""
        return self._each(self.http_response.iter_lines())

    def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file as it comes."""
        with Path(file).open("wb") as target:
            target.writelines(self.iter_bytes(chunk_size))

    def close(self) -> None:
        """Close the response and release its connection."""
        finish(self._close())


class AsyncAPIResponse(BaseResponse[T]):
    """The HTTP response of an async call, its body not yet read."""

    @overload
    async def parse(self) -> T: ...
    @overload
    async def parse(self, *, to: type[Other]) -> Other: ...
    async def parse(self, *, to: Any = None) -> Any:
        """Read the body and return the result, parsed as *to* if given; a stream if the call streams."""
        if self._call.stream is None:
            await self.read()
        return self._result(to)

    async def read(self) -> bytes:
        """Read the whole body."""
        return await self._read()

    async def text(self) -> str:
        """Read the whole body as text."""
        await self.read()
        return self.http_response.text

    async def json(self) -> object:
        """Read the whole body as JSON."""
        await self.read()
        return load_answer(self.http_response)

    def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the decoded body."""
        return self._each_awaited(self.http_response.aiter_bytes(chunk_size))

    def iter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Iterate over the body as text."""
        return self._each_awaited(self.http_response.aiter_text(chunk_size))

    def iter_lines(self) -> AsyncIterator[str]:
        """Iterate over the body's lines."""
        return self._each_awaited(self.http_response.aiter_lines())

    async def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file as it comes."""
        with Path(file).open("wb") as target:  # noqa: ASYNC230 - a buffered write to a local file
            async for chunk in self.iter_bytes(chunk_size):
                target.write(chunk)

    async def close(self) -> None:
        """Close the response and release its connection."""
        await self._close()


class ResponseContextManager(Generic[T]):
    """A call whose response is read inside a `with` block, and closed at its end."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __enter__(self) -> T:
        self._response = finish(self._coroutine)
        return self._response

    def __exit__(self, *exc: object) -> None:
        cast("Any", self._response).close()

    def __del__(self) -> None:
        self._coroutine.close()


class AsyncResponseContextManager(Generic[T]):
    """A call whose response is read inside an `async with` block, and closed at its end."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    async def __aenter__(self) -> T:
        self._response = await self._coroutine
        return self._response

    async def __aexit__(self, *exc: object) -> None:
        await cast("Any", self._response).close()

    def __del__(self) -> None:
        self._coroutine.close()
