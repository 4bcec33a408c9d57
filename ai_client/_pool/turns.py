"""Futures that tasks wait for, and that may be done or cancelled already when their turn comes."""

import asyncio
from typing import Any, cast


def wake(future: "asyncio.Future[None] | None") -> None:
    """Wake who waits for a future."""
    if future is not None and not future.done():
        future.set_result(None)


def resume(future: "asyncio.Future[None] | None", loop: asyncio.AbstractEventLoop | None) -> None:
    """Wake the task that waits for a future within this callback of *loop*, which spares that a round of its own.

    It is woken as by `wake` without a loop, while another task is running, or where not exactly one waits.
    """
    if future is None or future.done():
        return
    callbacks: Any = loop and getattr(future, "_callbacks", None)  # which a loop's own futures may lack
    if not callbacks or len(callbacks) != 1 or asyncio.current_task(loop) is not None:
        future.set_result(None)
        return
    callback, context = callbacks[0]
    future.remove_done_callback(callback)
    future.set_result(None)
    try:
        context.run(callback, future)
    except (KeyboardInterrupt, SystemExit) as error:
        # These end the loop that runs a task; of a protocol, uvloop takes them for a failure of its connection.
        cast("asyncio.AbstractEventLoop", loop).call_soon(_interrupt, error)


def _interrupt(error: BaseException) -> None:
    raise error


def fail(future: "asyncio.Future[None] | None", error: Exception) -> None:
    """Raise an error where a future is waited for."""
    if future is not None and not future.done():
        future.set_exception(error)
