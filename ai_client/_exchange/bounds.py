"""How much of an answer is held in memory: its bytes are counted as they are read and decoded."""

import sys
from typing import NamedTuple

from .._libraries import httpx
from .._params.defaults import DEFAULT_MAX_EVENT_BYTES, DEFAULT_MAX_RESPONSE_BYTES
from .._params.omit import NotGiven
from ..errors import ConfigError, ResponseTooLargeError

EXTENSION = "ai_client.bounds"
"""The request extension that holds other bounds than the usual ones."""


class Bounds(NamedTuple):
    """The most bytes held in memory: of a whole answer, and of one event of a stream."""

    response: int
    event: int

    @classmethod
    def of(cls, max_response_bytes: int | None, max_event_bytes: int | None) -> "Bounds":
        """Make bounds of a client's options, of which `None` is no bound.

        Raises:
            TypeError: One is no integer.
            ValueError: One is not positive.
        """
        bounds = cls(
            _checked("max_response_bytes", max_response_bytes), _checked("max_event_bytes", max_event_bytes)
        )
        return USUAL if bounds == USUAL else bounds

    def changed(
        self, max_response_bytes: int | NotGiven | None, max_event_bytes: int | NotGiven | None
    ) -> "Bounds":
        """Return the bounds with those replaced that are given."""
        response = self.response if isinstance(max_response_bytes, NotGiven) else max_response_bytes
        event = self.event if isinstance(max_event_bytes, NotGiven) else max_event_bytes
        return self.of(response, event)


def _checked(name: str, value: int | None) -> int:
    if value is None:
        return sys.maxsize
    if type(value) is not int:
        raise TypeError(f"{name} must be a positive number of bytes, or None for no bound")
    if value < 1:
        raise ConfigError(f"{name} must be a positive number of bytes, or None for no bound")
    return value


USUAL = Bounds(DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_MAX_EVENT_BYTES)


class Gathered:
    """The parts read of a body, as long as they fit into memory.

    Args:
        announced: The size that its head announces, to spare reading a body that is too large; 0 where it does not.
        limit: The most bytes.

    Attributes:
        fits: Whether it is not too large so far.
    """

    __slots__ = ("_limit", "_parts", "_size", "fits")

    def __init__(self, announced: int, limit: int) -> None:
        self._parts: list[bytes] = []
        self._limit = limit
        self.fits = announced <= limit
        self._size = 0 if self.fits else announced

    def add(self, part: bytes) -> bool:
        """Add what comes next; return whether it fits."""
        self._parts.append(part)
        self._size += len(part)
        self.fits = self._size <= self._limit
        return self.fits

    def content(self) -> bytes:
        """Return all that was read."""
        return b"".join(self._parts)

    def error(self, response: "httpx.Response") -> ResponseTooLargeError:
        """Return the error of an answer that is too large."""
        request = response.request
        message = (
            f"The answer to {request.method} {request.url.path} is larger than max_response_bytes, which is"
            f" {self._limit} bytes: {self._size} at least. Set max_response_bytes, or read it piece by piece, as"
            " with_streaming_response does."
        )
        return ResponseTooLargeError(response, None, message=message)
