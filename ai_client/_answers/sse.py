"""Server-sent events decoder, without I/O, after the WHATWG HTML standard, section 9.2.6."""

import sys
from typing import TypeAlias

from .._call.stream_ends import DONE

Event: TypeAlias = tuple[bytes, bytes | None]
"""Its data, joined by line breaks, and its type where one was named; both undecoded."""
_NEWLINE, _RETURN = b"\n\r"


class SSEDecoder:
    """Incremental decoder: chunks of a body, split anywhere, to the data of events, in linear time.

    Most bodies end their lines with a newline alone, so that an empty line is two newlines: those are cut at C speed,
    a whole event at a time, most often one a chunk. From its first carriage return on, a body is read line by line.

    Args:
        max_event_bytes: The most bytes of one event that are held.

    Attributes:
        overflown: Whether an event was larger; neither it nor what comes after it is given.
    """

    def __init__(self, max_event_bytes: int = sys.maxsize) -> None:
        self.overflown = False
        self._limit = max_event_bytes
        self._held = 0
        self._data_size = 0
        self._pending: list[bytes] = []
        self._by_line = False
        self._skip_newline = False
        self._started = False
        self._data: list[bytes] = []
        self._name: bytes | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that *chunk* completes."""
        crowded = self._held + len(chunk) > self._limit
        if self.overflown:
            return []
        if self._by_line or _RETURN in chunk:
            self._by_line = True
            events = self._feed_lines(chunk)
        elif not self._pending and (event := _alone(chunk)) is not None:
            self._started = True
            events = [event]
        else:
            events = self._feed_events(chunk)
        return self._bounded(events) if crowded else events

    def _feed_events(self, chunk: bytes) -> list[Event]:
        pending = self._pending
        if b"\n\n" not in chunk and not (chunk.startswith(b"\n") and pending and pending[-1].endswith(b"\n")):
            if chunk:
                pending.append(chunk)
                self._held += len(chunk)
            return []
        text, _, rest = self._joined(chunk).rpartition(b"\n\n")
        if rest:
            pending.append(rest)
        self._held = len(rest)
        return self._cut(text)

    def _bounded(self, events: list[Event]) -> list[Event]:
        """Return the events before the first one that exceeds the bound, and set `overflown`."""
        self.overflown = self._held > self._limit
        for index, (data, _) in enumerate(events):
            if len(data) > self._limit:
                self.overflown = True
                return events[:index]
        return events

    def _cut(self, text: bytes) -> list[Event]:
        """Split a run of complete events; the two common forms are cut without reading line by line."""
        events: list[Event] = []
        if text.startswith(b"data: "):
            for data in text[6:].split(b"\n\ndata: "):
                if _NEWLINE not in data:
                    events.append((data, None))
                else:
                    events += self._read(b"data: %b\n\n" % data)
        elif text.startswith(b"event: "):
            for event in text[7:].split(b"\n\nevent: "):
                name, _, data = event.partition(b"\ndata: ")
                if data and _NEWLINE not in data and _NEWLINE not in name:
                    events.append((data, name))
                else:
                    events += self._read(b"event: %b\n\n" % event)
        else:
            events += self._read(text + b"\n\n")
        return events

    def flush(self) -> list[Event]:
        """Return the end mark if the body ended without the empty line after it.

        Any other event is discarded, as the standard says: it may be cut off.
        """
        events = self._read(self._joined(b"") + b"\n\n")
        return [event for event in events if event[0] == DONE]

    def _read(self, text: bytes) -> list[Event]:
        """Return the events that complete lines finish."""
        events: list[Event] = []
        for line in text.splitlines():
            if line:
                self._field(line)
            else:
                self._dispatch(events)
        return events

    def _feed_lines(self, chunk: bytes) -> list[Event]:
        if self._skip_newline and chunk:
            self._skip_newline = False
            chunk = chunk.removeprefix(b"\n")
        if _NEWLINE not in chunk and _RETURN not in chunk:
            if chunk:
                self._pending.append(chunk)
                self._held += len(chunk)
            return []
        chunk = self._joined(chunk)
        rest = b""
        if chunk.endswith(b"\r"):
            self._skip_newline = True
        elif not chunk.endswith(b"\n"):
            whole = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
            chunk, rest = chunk[:whole], chunk[whole:]
            self._pending.append(rest)
        events = self._read(chunk)
        self._held = self._data_size + len(rest)
        return events

    def _joined(self, chunk: bytes) -> bytes:
        """Join the pending bytes and *chunk*, without a leading byte order mark."""
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
            self._data_size += len(value) + 1
        elif name == b"event":
            self._name = value

    def _dispatch(self, events: list[Event]) -> None:
        data, name = self._data, self._name
        self._name = None
        if data:
            self._data = []
            self._data_size = 0
            events.append((data[0] if len(data) == 1 else b"\n".join(data), name))


def _alone(chunk: bytes) -> Event | None:
    """Return the event of a chunk that is one in either of the two common forms, and nothing else."""
    before, _, data = chunk.partition(b"data: ")
    if data.find(_NEWLINE) != len(data) - 2 or data[-1] != _NEWLINE:
        return None
    if not before:
        return data[:-2], None
    if before[:7] == b"event: " and before.find(_NEWLINE) == len(before) - 1:
        return data[:-2], before[7:-1]
    return None
