"""Uploads: what may be given as a file, and how its bytes are read piece by piece."""

import inspect
import io
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from .omit import NotGiven, Omit
from .upload_objects import UploadObject, uploaded

FileContent: TypeAlias = (
    IO[bytes] | bytes | os.PathLike[str] | Iterable[bytes] | AsyncIterable[bytes] | UploadObject
)
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
        awaits: Whether they have to be awaited, which only `AsyncOpenAI` does.

    Args:
        content: Bytes, a path, a binary file, or an iterable of bytes.
        what: How to call it in messages.
        whole: Send a file from its beginning rather than from where it stands.

    Raises:
        TypeError: It is none of these, or not binary.
        ValueError: It is a file that is closed.
        OSError: It is a path that cannot be read.
    """

    def __init__(self, content: Any, what: str, *, whole: bool = True) -> None:
        content = uploaded(content).content
        self._content: Any = content
        self._what = what
        self._start = 0
        self._used = False
        self.length: int | None = None
        self.replayable = True
        self.awaits = False
        if isinstance(content, bytes | bytearray | memoryview):
            self.length = memoryview(cast("bytes", content)).nbytes
        elif isinstance(content, os.PathLike):
            self._look_up(Path(cast("os.PathLike[str]", content)))
        elif isinstance(content, type):
            raise TypeError(f"{what} must be a file, not the class {content.__name__}.")
        elif callable(getattr(content, "read", None)):
            self._try_out()
            self._measure(whole=whole)
        elif isinstance(content, str) or not isinstance(content, Iterable | AsyncIterable):
            raise TypeError(
                f"{what} must be bytes, a pathlib.Path, a binary file or an iterable of bytes,"
                f" not {type(content).__name__}."
            )
        else:
            self.awaits = not isinstance(content, Iterable)
            self.replayable = isinstance(content, list | tuple)
            if self.replayable:
                for chunk in cast("Iterable[object]", content):
                    self._checked(chunk)
            elif not self.awaits:
                chunks = iter(cast("Iterable[object]", content))
                first = self._checked(next(chunks, b""))
                self._content = chain((first,), chunks)

    def _look_up(self, path: Path) -> None:
        """Measure the file of a path, and see that it can be read."""
        found = path.stat()
        if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
            path.open("rb").close()  # which a pipe or a device may take amiss
            self.length = found.st_size
        else:
            self.replayable = False

    def _try_out(self) -> None:
        """Check that a file is open and binary, and whether reading it must be awaited."""
        file = self._content
        if getattr(file, "closed", False) is True:
            raise ValueError(f"{self._what} is closed: it has to be open until it is sent.")
        # What wraps a text file without being one shows its encoding all the same.
        if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "encoding", None), str):
            raise TypeError(
                f"{self._what} is open in text mode: open it in binary mode, as open(path, 'rb')."
            )
        self.awaits = inspect.iscoroutinefunction(file.read)
        readable: object = getattr(file, "readable", None)
        if callable(readable) and not self.awaits and readable() is False:
            raise ValueError(f"{self._what} is not open for reading: open it with open(path, 'rb').")

    def _checked(self, chunk: object) -> bytes:
        """Return bytes as they are.

        Raises:
            TypeError: They are something else.
        """
        if isinstance(chunk, bytes | bytearray | memoryview):
            return cast("bytes", chunk)
        raise TypeError(f"{self._what} must give bytes, not {type(chunk).__name__}.")

    def _measure(self, *, whole: bool) -> None:
        file = self._content
        if self.awaits:
            self.replayable = False
            return
        first: object = b""
        try:
            self._start = 0 if whole else file.tell()
            end = file.seek(0, io.SEEK_END)
            end = file.tell() if end is None else end  # as of mmap
            self.length = end - self._start
            file.seek(self._start)
            if not isinstance(file, io.BufferedIOBase | io.RawIOBase):
                first = file.read(1)
                file.seek(self._start)
        except (AttributeError, OSError, ValueError, TypeError):
            self.length, self.replayable = None, False
            with suppress(Exception):  # it may stand at its end by now
                file.seek(self._start)
        self._checked(first)

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
            yield from map(self._checked, _chunks(content))
        else:
            self._use()
            yield from map(self._checked, cast("Iterable[bytes]", content))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._content
        if self.awaits:
            self._use()
            async for chunk in _awaited(content):
                yield self._checked(chunk)
            return
        for chunk in self:
            yield chunk

    def _use(self) -> None:
        if self._used and not self.replayable:
            raise RuntimeError(
                "The upload was read already and cannot be sent again: its source gives its bytes only once."
            )
        self._used = True


class RequestBody:
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
        """Return the parts in order."""
        raise NotImplementedError

    def content(self, *, sync: bool) -> "_SyncContent | _AsyncContent":
        """Return what the HTTP library iterates over, anew for each attempt.

        Raises:
            TypeError: A part of it must be awaited, which a sync client cannot do.
        """
        if sync and any(isinstance(source, Source) and source.awaits for source in self.sources()):
            raise TypeError("An asynchronous iterable or file can only be uploaded by AsyncOpenAI.")
        return _SyncContent(self) if sync else _AsyncContent(self)


class PlainBody(RequestBody):
    """The bytes of one source."""

    def __init__(self, content: Any) -> None:
        self._source = Source(content, "content", whole=False)
        self.length = self._source.length
        self.replayable = self._source.replayable

    def sources(self) -> Iterator[Source | bytes]:
        """Return the single part."""
        yield self._source


class _SyncContent:
    def __init__(self, body: RequestBody) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for source in self._body.sources():
            if isinstance(source, bytes):
                yield source
            else:
                yield from source


class _AsyncContent:
    def __init__(self, body: RequestBody) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for source in self._body.sources():
            if isinstance(source, bytes):
                yield source
            else:
                async for chunk in source:
                    yield chunk


def _chunks(file: IO[bytes]) -> Iterator[Any]:
    """Yield what a file gives up to its end; also the `None` of one that has nothing yet, which is no end."""
    while (chunk := cast("bytes | None", file.read(_CHUNK))) is None or len(chunk):
        yield chunk


async def _awaited(content: Any) -> AsyncIterator[Any]:
    if not callable(getattr(content, "read", None)):
        async for chunk in cast("AsyncIterable[bytes]", content):
            yield chunk
        return
    while (chunk := await content.read(_CHUNK)) is None or len(chunk):
        yield chunk


def take_files(params: dict[str, Any], names: tuple[str, ...]) -> list[tuple[str, FileTypes]]:
    """Move the files out of a method's parameters; a list of files repeats its name as `name[]`.

    A mapping in the place of a file, as one that names a file by its id, stays a parameter.
    """
    files: list[tuple[str, FileTypes]] = []
    for name in names:
        value = params.get(name)
        if value is None or isinstance(value, NotGiven | Omit | Mapping):
            continue
        del params[name]
        if isinstance(value, list):
            files += [(f"{name}[]", each) for each in cast("list[FileTypes]", value)]
        else:
            files.append((name, value))
    return files
