"""The time limit of a whole call: over all its attempts, the waits between them, and the reading of the body."""

import time
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import httpx


def remaining(deadline: float) -> float:
    """Give the seconds left, none where it is over."""
    return max(deadline - time.monotonic(), 0.0)


def is_over(deadline: float | None) -> bool:
    """Tell whether a deadline has passed."""
    return deadline is not None and time.monotonic() >= deadline


def shorten(limits: "dict[str, float | None]", deadline: float) -> "dict[str, float | None]":
    """Cut the time limits of an attempt to what is left."""
    left = remaining(deadline)
    return {name: left if limit is None else min(limit, left) for name, limit in limits.items()}


def watch(response: "httpx.Response", deadline: float, too_late: type[Exception]) -> None:
    """Make reading the body of a blocking answer fail once the deadline has passed, however slowly it drips."""
    (base,) = (cls for cls in type(response.stream).__mro__ if cls.__name__ == "SyncByteStream")
    connection = response.extensions.get("network_stream")
    response.stream = _watched(base)(response.stream, connection, deadline, too_late)


class _Watched:
    def __init__(self, stream: Any, connection: Any, deadline: float, too_late: type[Exception]) -> None:
        self._stream = stream
        self._hurry = ExitStack()
        self._hurry.enter_context(hurried(connection, deadline))
        self._deadline = deadline
        self._too_late = too_late

    def __iter__(self) -> "Iterator[bytes]":
        for chunk in self._stream:
            if is_over(self._deadline):
                raise self._too_late("The deadline has passed.")
            yield chunk

    def close(self) -> None:
        self._hurry.close()  # first, as the connection may go to another call at once
        self._stream.close()


@cache
def _watched(base: type[Any]) -> type[Any]:
    """Make the stream class of one HTTP library, which insists on its own base."""
    return type("Watched", (_Watched, base), {})


class _Hurried:
    def __init__(self, read: Any, end: float) -> None:
        self._read = read
        self._end = end

    def __call__(self, size: int, timeout: float | None = None) -> Any:
        left = remaining(self._end)
        return self._read(size, timeout=left if timeout is None else min(timeout, left))


@contextmanager
def hurried(connection: Any, deadline: float) -> "Generator[bool]":
    """Let no read of a blocking body wait beyond a deadline; give whether that could be arranged.

    The HTTP library has fixed the time limit of reads when the body began, so that the connection (the response's
    `network_stream`) is told instead.
    """
    try:
        connection.read = _Hurried(connection.read, deadline)
    except AttributeError:
        yield False
        return
    try:
        yield True
    finally:
        del connection.read
