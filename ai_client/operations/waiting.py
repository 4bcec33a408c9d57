"""Ways to wait for what sends nothing: the same code serves a method and its async twin."""

from .._io import IO, SyncIO


class _NoSender:
    """A sender of what is never sent."""

    timeouts: tuple[type[Exception], ...] = ()
    failures: tuple[type[Exception], ...] = ()


def waiting_io(*, sync: bool) -> IO:
    """Return a way to wait on this thread, or in a task of the running event loop."""
    nothing: object = _NoSender()
    if sync:
        return SyncIO(nothing)  # type: ignore[arg-type]
    from .._io.async_io import AsyncIO  # noqa: PLC0415 - a process that only blocks never loads asyncio

    return AsyncIO(nothing)  # type: ignore[arg-type]
