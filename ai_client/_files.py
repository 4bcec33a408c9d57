"""Uploads: what may be given as a file, and how its bytes are read piece by piece."""

import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from ._request import NotGiven, Omit

FileContent: TypeAlias = IO[bytes] | bytes | os.PathLike[str] | Iterable[bytes] | AsyncIterable[bytes]
FileTypes: TypeAlias = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
"""A file: its content, or a tuple of file name, content, content type and headers, the last two optional."""
RequestFiles: TypeAlias = Mapping[str, FileTypes] | Iterable[tuple[str, FileTypes]]

_CHUNK = 64 * 1024


class Source:
    """Where the bytes of an upload come from; they are never held in memory as a whole.

    Attributes:
        length: Bytes, where that is known beforehand.
        replayable: Whether they can be read a second time, for another attempt.

    Args:
        content: Bytes, a path, a binary file, or an iterable of bytes.
        what: How to call it in messages.
        whole: Send a file from its beginning rather than from where it stands.
    """

    def __init__(self, content: Any, what: str, *, whole: bool = True) -> None:
        self._content = content
        self._start = 0
        self._used = False
        self.length: int | None = None
        self.replayable = True
        if isinstance(content, bytes | bytearray | memoryview):
            self.length = memoryview(cast("bytes", content)).nbytes
        elif isinstance(content, os.PathLike):
            self.length = Path(cast("os.PathLike[str]", content)).stat().st_size
        elif isinstance(content, io.TextIOBase):
            raise TypeError(f"{what} is open in text mode: open it in binary mode, as open(path, 'rb').")
        elif callable(getattr(content, "read", None)):
            self._measure(whole=whole)
        elif isinstance(content, str) or not isinstance(content, Iterable | AsyncIterable):
            raise TypeError(
                f"{what} must be bytes, a pathlib.Path, a binary file or an iterable of bytes,"
                f" not {type(content).__name__}."
            )
        else:
            self.replayable = isinstance(content, list | tuple)

    def _measure(self, *, whole: bool) -> None:
        file = self._content
        try:
            self._start = 0 if whole else file.tell()
            self.length = file.seek(0, io.SEEK_END) - self._start
            file.seek(self._start)
        except (AttributeError, OSError, ValueError, TypeError):
            self.length, self.replayable = None, False

    def __iter__(self) -> Iterator[bytes]:
        content = self._content
        if isinstance(content, bytes | bytearray | memoryview):
            yield bytes(cast("bytes", content))
        elif isinstance(content, os.PathLike):
            with Path(cast("os.PathLike[str]", content)).open("rb") as file:
                yield from _chunks(file)
        elif callable(getattr(content, "read", None)):
            self._use()
            if self.replayable:
                content.seek(self._start)
            yield from _chunks(content)
        elif isinstance(content, Iterable):
            self._use()
            yield from cast("Iterable[bytes]", content)
        else:
            raise TypeError("An asynchronous iterable can only be uploaded by AsyncOpenAI.")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._content
        if isinstance(content, AsyncIterable):
            self._use()
            async for chunk in cast("AsyncIterable[bytes]", content):
                yield chunk
            return
        for chunk in self:
            yield chunk

    def _use(self) -> None:
        if self._used and not self.replayable:
            raise RuntimeError(
                "The upload was read already and cannot be sent again: its source gives its bytes only once."
            )
        self._used = True


class Body:
    """A request body that is sent piece by piece.

    Attributes:
        content_type: What to say about it; `None` leaves that to the caller.
        length: Bytes, where that is known beforehand.
        replayable: Whether another attempt may send it again.
    """

    content_type: str | None = None
    length: int | None
    replayable: bool

    def sources(self) -> Iterator["Source | bytes"]:
        """Give the parts in order."""
        raise NotImplementedError

    def content(self, *, blocking: bool) -> "_Blocking | _Awaitable":
        """Give what the HTTP library iterates over, anew for each attempt."""
        return _Blocking(self) if blocking else _Awaitable(self)


class Plain(Body):
    """The bytes of one source."""

    def __init__(self, content: Any) -> None:
        self._source = Source(content, "content", whole=False)
        self.length = self._source.length
        self.replayable = self._source.replayable

    def sources(self) -> Iterator[Source | bytes]:
        """Give the one part."""
        yield self._source


class _Blocking:
    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for source in self._body.sources():
            if isinstance(source, bytes):
                yield source
            else:
                yield from source


class _Awaitable:
    def __init__(self, body: Body) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for source in self._body.sources():
            if isinstance(source, bytes):
                yield source
            else:
                async for chunk in source:
                    yield chunk


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def take_files(params: dict[str, Any], names: tuple[str, ...]) -> list[tuple[str, FileTypes]]:
    """Move the files out of a method's parameters; a list of files repeats its name as `name[]`."""
    files: list[tuple[str, FileTypes]] = []
    for name in names:
        value = params.get(name)
        if value is None or isinstance(value, NotGiven | Omit):
            continue
        del params[name]
        if isinstance(value, list):
            files += [(f"{name}[]", each) for each in cast("list[FileTypes]", value)]
        else:
            files.append((name, value))
    return files
