"""Multipart forms (RFC 7578), sent piece by piece."""

import mimetypes
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from ..errors import ConfigError
from .files import FileTypes, RequestBody, RequestFiles, Source
from .query import query_items
from .sendable import name_fault
from .upload_objects import uploaded

_TYPE, _HEADERS = 2, 3
_BOUNDARY = re.compile(r';\s*boundary="?([^";]+)"?', re.IGNORECASE)
_ESCAPES = {ord('"'): "%22", ord("\\"): "\\\\"} | {code: f"%{code:02X}" for code in range(32) if code != 27}  # noqa: PLR2004 - WHATWG: all controls but escape


class Multipart(RequestBody):
    """A form of fields and files.

    Args:
        fields: Names and texts, sent first.
        files: Names and files.
        content_type: A `multipart/form-data` whose boundary to use, if it names one.
    """

    def __init__(
        self, fields: Iterable[tuple[str, str]], files: RequestFiles, content_type: str | None = None
    ) -> None:
        given = _BOUNDARY.search(content_type or "")
        boundary = given[1] if given else secrets.token_hex(16)
        self.content_type = (
            content_type if given and content_type else f"multipart/form-data; boundary={boundary}"
        )
        self._line = b"--%b\r\n" % boundary.encode("ascii")
        self._end = b"--%b--\r\n" % boundary.encode("ascii")
        self._parts: list[tuple[bytes, Source | bytes]] = [
            (_head([("Content-Disposition", _disposition(name, None))]), _bytes(value))
            for name, value in fields
        ]
        pairs = cast("Mapping[str, FileTypes]", files).items() if isinstance(files, Mapping) else files
        self._parts += [_part(name, file) for name, file in pairs]
        self.length = self._length()
        self.replayable = all(isinstance(part, bytes) or part.replayable for _, part in self._parts)

    def _length(self) -> int | None:
        total = len(self._end)
        for head, part in self._parts:
            length = len(part) if isinstance(part, bytes) else part.length
            if length is None:
                return None
            total += len(self._line) + len(head) + length + 2
        return total

    def sources(self) -> Iterator[Source | bytes]:
        """Return the form's parts, from the first boundary to the last."""
        for head, part in self._parts:
            yield self._line + head
            yield part
            yield b"\r\n"
        yield self._end


def form(body: object, files: RequestFiles, content_type: str | None) -> Multipart:
    """Make a form of a call's body, its members in the bracket style, and its files."""
    if body is not None and not isinstance(body, Mapping):
        raise TypeError(f"The body of a multipart request must be a mapping, not {type(body).__name__}.")
    fields = query_items(cast("Mapping[str, object]", body or {}))
    return Multipart(fields, files, content_type)


def _part(name: str, file: FileTypes) -> tuple[bytes, Source]:
    filename: str | None
    kind: str | None = None
    headers: Mapping[str, str] = {}
    if isinstance(file, tuple):
        items: tuple[Any, ...] = file
        if not _TYPE <= len(items) <= _HEADERS + 1:
            raise TypeError(
                f"The file {name!r} must be its content, or a tuple of file name, content, content type and headers,"
                f" the last two optional, not a tuple of {len(items)}."
            )
        filename, content = cast("tuple[Any, Any]", items[:_TYPE])
        kind = cast("Any", items[_TYPE] if len(items) > _TYPE else None)
        headers = (items[_HEADERS] if len(items) > _HEADERS else None) or {}
        if not isinstance(headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"The headers of the file {name!r} must be a mapping, not {type(headers).__name__}."
            )
        if filename is not None and not isinstance(filename, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"The name of the file {name!r} must be a string, not {type(filename).__name__}.")
        if not isinstance(kind, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"The type of the file {name!r} must be a string, not {type(kind).__name__}.")
        kind = kind or uploaded(content).content_type
    else:
        content, filename, kind = uploaded(file)
        filename = filename or "upload"
    if kind is None and filename:
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    lines = [("Content-Disposition", _disposition(name, filename)), *headers.items()]
    if kind is not None and not any(each.lower() == "content-type" for each in headers):
        lines.append(("Content-Type", kind))
    return _head(lines), Source(content, f"The file {name!r}")


def _disposition(name: str, filename: str | None) -> str:
    value = f'form-data; name="{name.translate(_ESCAPES)}"'
    return f'{value}; filename="{filename.translate(_ESCAPES)}"' if filename else value


def _head(lines: Iterable[tuple[str, str]]) -> bytes:
    text = ""
    for name, value in lines:
        if (fault := name_fault(name)) is not None:
            raise ConfigError(f"A header of a file: {fault}.")
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"The header {name!r} of a file must be a string, not {type(value).__name__}.")
        if "\r" in value or "\n" in value:
            raise ConfigError(f"The header {name!r} of a file holds a line break, which no header may.")
        text += f"{name}: {value}\r\n"
    return _bytes(f"{text}\r\n")


def _bytes(text: str) -> bytes:
    """Encode text; names of files that are not UTF-8 come out as the operating system has them.

    Raises:
        ConfigError: It holds half a character.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ConfigError(
            "A name, a type or a field of a form is not text: it holds half a character."
        ) from None
