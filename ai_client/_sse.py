"""Server-sent events out of bytes, with no I/O, after the WHATWG HTML standard, section 9.2.6."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic_core import from_json


class ServerSentEvent(NamedTuple):
    """One event: its data joined by line breaks, undecoded, and its type where one was named."""

    data: bytes
    event: str | None = None
    id: str | None = None
    retry: int | None = None

    def json(self) -> Any:
        """Decode the data."""
        return from_json(self.data)


class SSEDecoder:
    """Turns the chunks of a body, cut anywhere, into events; each byte is looked at a bounded number of times."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._skip_newline = False
        self._started = False
        self._data: list[bytes] = []
        self._event: str | None = None
        self._id: str | None = None
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Give the events that *chunk* completes."""
        if self._skip_newline and chunk:
            self._skip_newline = False
            chunk = chunk.removeprefix(b"\n")
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._pending.append(chunk)
            return
        if self._pending:
            self._pending.append(chunk)
            chunk = b"".join(self._pending)
            self._pending.clear()
        if chunk.endswith(b"\r"):
            self._skip_newline = True
        lines = chunk.splitlines()
        if not chunk.endswith((b"\n", b"\r")):
            self._pending.append(lines.pop())
        if not self._started and lines:
            self._started = True
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        for line in lines:
            if line.startswith(b"data: "):
                self._data.append(line[6:])
            elif line:
                self._field(line)
            elif (event := self._dispatch()) is not None:
                yield event

    def flush(self) -> Iterator[ServerSentEvent]:
        """Give the last event where the body ended without the empty line that completes it."""
        if self._pending:
            line = b"".join(self._pending)
            self._pending.clear()
            self._field(line)
        if (event := self._dispatch()) is not None:
            yield event

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
        elif name == b"retry" and value.isdigit():
            self._retry = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        data, event, retry = self._data, self._event, self._retry
        if not data and event is None and retry is None:
            return None
        self._data, self._event, self._retry = [], None, None
        if not data:
            return None
        return ServerSentEvent(data[0] if len(data) == 1 else b"\n".join(data), event, self._id, retry)
