"""Ends that are seen through: what counts and closes goes on, whatever becomes of the task or loop that began it."""

import _thread
import asyncio
import weakref
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

Ending = Coroutine[Any, Any, None]

_SECONDS = 5.0
"""Seconds to wait for tasks that are carried through."""
_under_way: "set[asyncio.Task[None]]" = set()


class _Ending(asyncio.Task[None]):
    """A task that outlasts its loop's last orders: who ends a loop cancels all tasks, and waits for them."""

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the task, from within its loop; else only where it does not end within a while."""
        if asyncio._get_running_loop() is None:
            with suppress(RuntimeError):  # the loop is closed
                reference: weakref.ref[_Ending] = weakref.ref(self)
                self.get_loop().call_later(_SECONDS, _cancel, reference, msg)
            return False
        return super().cancel(msg)


def _cancel(reference: "weakref.ref[_Ending]", msg: Any) -> None:
    task = reference()
    if task is not None:
        task.cancel(msg)


def begin(ending: Ending) -> "asyncio.Task[None]":
    """Begin an end on the running loop."""
    task = _Ending(ending, loop=asyncio.get_running_loop())
    _under_way.add(task)  # the loop itself holds tasks but weakly
    task.add_done_callback(_ended)
    return task


async def ended() -> None:
    """Wait a bounded time for tasks that the running loop carries through."""
    loop = asyncio.get_running_loop()
    ending = [task for task in _under_way if task.get_loop() is loop]
    if ending:
        await asyncio.wait(ending, timeout=_SECONDS)


def begin_on(loop: asyncio.AbstractEventLoop | None, ending: Ending) -> None:
    """Begin an end on a loop, from any thread and at any time; on another one where that loop is closed."""
    with suppress(RuntimeError):  # the loop is closed
        if loop is not None:
            loop.call_soon_threadsafe(partial(begin, ending))
            return
    try:
        _thread.start_new_thread(_see_through, (ending,))  # a finalizer may do this, not start a Thread
    except RuntimeError:  # the interpreter ends
        ending.close()


def _see_through(ending: Ending) -> None:
    loop = asyncio.new_event_loop()
    try:
        with suppress(Exception):  # its connection ended with its loop, and no caller is left to report to
            loop.run_until_complete(_within_a_while(ending))
        loop.run_until_complete(ended())
    finally:
        loop.close()


async def _within_a_while(ending: Ending) -> None:
    async with asyncio.timeout(_SECONDS):
        await ending


def _ended(task: "asyncio.Task[None]") -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # a waiter still gets it; otherwise asyncio would log it as never retrieved
