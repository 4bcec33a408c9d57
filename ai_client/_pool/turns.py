"""Futures that tasks wait for, and that may be done or cancelled already when their turn comes."""

import asyncio


def wake(future: "asyncio.Future[None] | None") -> None:
    """Wake who waits for a future."""
    if future is not None and not future.done():
        future.set_result(None)


def fail(future: "asyncio.Future[None] | None", error: Exception) -> None:
    """Raise an error where a future is waited for."""
    if future is not None and not future.done():
        future.set_exception(error)
