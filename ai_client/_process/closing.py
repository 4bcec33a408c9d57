"""The end of async clients whose connections belong to the loop that their calls ran on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .._exchange.loops import background_loop, begin_on, finish_from_here, finish_on, main_loop


def finish(close: Callable[[], Coroutine[Any, Any, object]], *, anywhere: bool) -> None:
    """Run a client's closing from a thread.

    Unless it may run *anywhere*, it touches connections of the loop that the client's calls ran on: the main loop for
    all we know, which has to close them itself, when it runs again.
    """
    loop = main_loop()
    if loop is not None and not loop.is_running() and not anywhere:
        begin_on(loop, close)
        return
    if loop is None or not loop.is_running():
        try:
            loop = background_loop()
        except RuntimeError:  # the interpreter ends, and starts no more threads
            return
    finish_on(loop, close)


async def finish_here(close: Callable[[], Coroutine[Any, Any, object]], *, anywhere: bool) -> None:
    """Run a client's closing from the running loop; see `finish`."""
    loop = main_loop()
    if anywhere or loop is None or loop is asyncio.get_running_loop():
        await close()
    elif loop.is_running():
        await finish_from_here(loop, close)
    else:
        begin_on(loop, close)
