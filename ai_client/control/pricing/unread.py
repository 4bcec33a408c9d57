"""Bodies that callers read themselves: their usage, from the raw chunks that pass."""

from collections.abc import Callable

from ..._answers.sse import SSEDecoder
from ..._exchange.answer import Answer
from ..body import tap

_KEPT = 1024 * 1024


class UnreadBody:
    """The part of a body that has passed: stream events or a JSON response, and its size.

    Args:
        answer: The answer, its body not read yet.
        see: Takes the data of each event.

    Attributes:
        size: Bytes that have passed, without their content encoding where it can be decoded.
    """

    def __init__(self, answer: Answer, see: Callable[[bytes], None]) -> None:
        self.size = 0
        bounds = answer.bounds
        self._limit = bounds.response
        self._see = see
        self._kept: list[bytes] = []
        kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
        self._events = SSEDecoder(bounds.event) if kind == "text/event-stream" else None
        self._keeps = kind == "application/json"
        self._unpack = answer.side_decoder()
        self._readable = self._unpack.is_readable
        tap(answer, self._pass)

    def content(self) -> bytes | None:
        """Return a JSON response; `None` where the body is something else or larger than 1 MiB."""
        return b"".join(self._kept) if self._kept and self._keeps and self._readable else None

    def _pass(self, chunk: bytes) -> None:
        chunk = self._unpack.decode(chunk)
        self._readable = self._readable and self._unpack.is_readable
        self.size += len(chunk)
        if not self._readable:
            return
        if self._events is not None:
            for data, _ in self._events.feed(chunk):
                self._see(data)
            if self._events.overflown or self.size > self._limit:
                self._readable = False  # the caller may read on; nothing more is buffered here
        elif self._keeps:
            self._kept.append(chunk)
            if self.size > _KEPT:
                self._keeps = False
                self._kept.clear()
