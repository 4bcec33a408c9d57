"""Time limits of reads from a connection, of our own pool or of a user's HTTP client."""

import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from .._http.library import not_sent
from .._libraries import httpx


def hurry(response: "httpx.Response", end: float, too_late: type[Exception]) -> bool:
    """Bound every read of a sync body by *end*, in seconds of `time.monotonic`.

    The HTTP library fixed the time limit of a read when the body began, so that the connection (the response's
    `network_stream`) takes the limit instead: our own keeps it until its exchange is over, another's until the
    response is closed.

    Returns:
        Whether a read that has begun is bounded too: not where other calls use the connection, and nothing is where
        the response is closed.
    """
    if response.is_closed:
        return False
    connection = response.extensions.get("network_stream")
    own = getattr(connection, "hurry", None)
    if own is not None:
        own(end)
        return True
    shared = response.http_version.startswith("HTTP/2")  # a read that is late there ends the other calls too
    read = None if shared else _limited(connection)
    if read is not None:
        read.ends.append(end)
    (base,) = (cls for cls in type(response.stream).__mro__ if cls.__name__ == "SyncByteStream")
    response.stream = _watched(base)(response.stream, read, end, too_late)
    return read is not None


def _limited(connection: Any) -> "_Limited | None":
    read = getattr(connection, "read", None)
    if read is None or isinstance(read, _Limited):
        return read
    limited = _Limited(connection, read)
    try:
        connection.read = limited
    except AttributeError:
        return None
    return limited


class _Limited:
    """The method `read` of a connection, with the times by which it must be over."""

    def __init__(self, connection: Any, read: Any) -> None:
        self.ends: list[float] = []
        self._connection = connection
        self._read = read

    def __call__(self, size: int, timeout: float | None = None) -> Any:
        left = max(min(self.ends) - time.monotonic(), 0.001) if self.ends else timeout
        return self._read(size, timeout=left if timeout is None or left is None else min(timeout, left))

    def release(self, end: float) -> None:
        """Forget one of the times, and with the last of them stand aside."""
        if end in self.ends:
            self.ends.remove(end)
        if not self.ends and getattr(self._connection, "read", None) is self:
            del self._connection.read


class _TimedBody:
    """The body of another's response, which fails once it is too late, however slowly it drips."""

    def __init__(self, stream: Any, read: _Limited | None, end: float, too_late: type[Exception]) -> None:
        self._stream = stream
        self._read = read
        self._end = end
        self._too_late = too_late

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if time.monotonic() >= self._end:
                raise self._too_late("The deadline has passed.")
            yield chunk

    def close(self) -> None:
        if self._read is not None:
            self._read.release(self._end)  # first, as the connection may go to another call at once
        self._stream.close()


@cache
def _watched(base: type[Any]) -> type[Any]:
    """Make the stream class of one HTTP library, which insists on its own base."""
    return type("TimedBody", (_TimedBody, base), {})


def too_late_to_send(too_late: type[Exception]) -> Exception:
    """Return the error of a request that was held back, as its deadline had passed."""
    return not_sent(too_late("The deadline passed before the request was sent."))


class SendingGate:
    """A `trace` of the HTTP library that lets no request begin after its deadline, as after a wait for a connection."""

    def __init__(self, deadline: float, too_late: type[Exception]) -> None:
        self._deadline = deadline
        self._too_late = too_late

    def __call__(self, name: str, info: dict[str, Any]) -> None:
        del info
        if name.endswith("send_request_headers.started") and time.monotonic() >= self._deadline:
            raise too_late_to_send(self._too_late)
