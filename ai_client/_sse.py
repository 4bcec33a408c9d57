"""Server-sent events out of bytes, with no I/O, after the WHATWG HTML standard, section 9.2.6."""

from typing import Any, NamedTuple

from pydantic_core import from_json

_NEWLINE, _RETURN = b"\n\r"
_event = tuple.__new__  # what a named tuple's own constructor does, at half the price


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
    """Turns the chunks of a body, cut anywhere, into events; each byte is looked at a bounded number of times.

    Most bodies end their lines with a newline alone, so that an empty line is two newlines: those are cut at C speed,
    a whole event at a time. From its first carriage return on, a body is read line by line.
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._by_line = False
        self._skip_newline = False
        self._started = False
        self._data: list[bytes] = []
        self._event: str | None = None
        self._id: str | None = None
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Give the events that *chunk* completes."""
        if self._by_line or _RETURN in chunk:
            self._by_line = True
            return self._feed_lines(chunk)
        pending = self._pending
        if b"\n\n" not in chunk and not (chunk.startswith(b"\n") and pending and pending[-1].endswith(b"\n")):
            if chunk:
                pending.append(chunk)
            return []
        blocks = self._joined(chunk).split(b"\n\n")
        if rest := blocks.pop():
            pending.append(rest)
        events: list[ServerSentEvent] = []
        for block in blocks:
            if block.startswith(b"data: ") and _NEWLINE not in block:
                events.append(_event(ServerSentEvent, (block[6:], None, self._id, None)))
                continue
            name, _, data = block.partition(b"\ndata: ")
            if data and name.startswith(b"event: ") and _NEWLINE not in data and _NEWLINE not in name:
                named = name[7:].decode(errors="replace")
                events.append(_event(ServerSentEvent, (data, named, self._id, None)))
                continue
            for line in block.split(b"\n"):
                self._field(line)
            self._dispatch(events)
        return events

    def flush(self) -> list[ServerSentEvent]:
        """Give the last event where the body ended without the empty line that completes it."""
        events: list[ServerSentEvent] = []
        for line in self._joined(b"").splitlines():
            self._field(line)
        self._dispatch(events)
        return events

    def _feed_lines(self, chunk: bytes) -> list[ServerSentEvent]:
        if self._skip_newline and chunk:
            self._skip_newline = False
            chunk = chunk.removeprefix(b"\n")
        if _NEWLINE not in chunk and _RETURN not in chunk:
            if chunk:
                self._pending.append(chunk)
            return []
        chunk = self._joined(chunk)
        if chunk.endswith(b"\r"):
            self._skip_newline = True
        lines = chunk.splitlines()
        if not chunk.endswith((b"\n", b"\r")):
            self._pending.append(lines.pop())
        events: list[ServerSentEvent] = []
        for line in lines:
            if line:
                self._field(line)
            else:
                self._dispatch(events)
        return events

    def _joined(self, chunk: bytes) -> bytes:
        """Give what is pending and *chunk* as one, without the byte order mark that a body may begin with."""
        if self._pending:
            self._pending.append(chunk)
            chunk = b"".join(self._pending)
            self._pending.clear()
        if not self._started:
            self._started = True
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        return chunk

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

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        data, event, retry = self._data, self._event, self._retry
        self._event = self._retry = None
        if data:
            self._data = []
            joined = data[0] if len(data) == 1 else b"\n".join(data)
            events.append(ServerSentEvent(joined, event, self._id, retry))
