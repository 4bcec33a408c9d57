"""Type-level marks of how a resource answers: which client, and which view of the answer."""

from typing import (
    TypeVar,
)


class Mode:
    """Type-level mark of how a resource answers."""


class Sync(Mode):
    """The sync client."""


class Async(Mode):
    """The async client."""


class Raw(Mode):
    """The sync client's `with_raw_response`."""


class AsyncRaw(Mode):
    """The async client's `with_raw_response`."""


class Streaming(Mode):
    """The sync client's `with_streaming_response`."""


class AsyncStreaming(Mode):
    """The async client's `with_streaming_response`."""


M = TypeVar("M", bound=Mode)
