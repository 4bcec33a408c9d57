"""Ends that are seen through: what counts and closes goes on, whatever becomes of the task or loop that began it."""

import _thread
import asyncio
import os
import sys
import weakref
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from .._fork import in_child

Ending = Coroutine[Any, Any, None]

_SECONDS = 5.0
"""Seconds to wait for tasks that are carried through."""
_under_way: "set[asyncio.Task[None]]" = set()
_left: deque[Ending] = deque()
"""Ends whose loops are closed."""
_turn = _thread.allocate_lock()
"""Held while a thread sees to those, one for all of them."""


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


class _Left:
    """An end that waits for its loop to run again; where that is closed instead, it is begun on another one."""

    __slots__ = ("_ending", "_process")

    def __init__(self, ending: Ending) -> None:
        self._ending: Ending | None = ending
        self._process = os.getpid()

    def __call__(self) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            _ = begin(ending)  # is held until it has ended

    def __del__(self) -> None:
        ending, self._ending = self._ending, None
        if ending is None:
            return
        if self._process != os.getpid():  # it is begun where its loop is
            ending.close()
            return
        _left.append(ending)
        _end_aside()


def begin_on(loop: asyncio.AbstractEventLoop | None, ending: Ending) -> None:
    """Begin an end on a loop when it runs next, from any thread and at any time; on another one where it never does."""
    left = _Left(ending)
    if loop is not None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(left)


def _end_aside() -> None:
    """Have a thread see what is left to its end, unless one does; a finalizer may do this, not start a Thread.

    The thread takes its turn itself: what interrupts this one, such as Ctrl-C, would leave the turn taken for ever.
    """
    if _turn.locked():  # who has it looks at what is left once more after it
        return
    try:
        if not sys.is_finalizing():  # Python 3.11 starts a thread then that never runs
            _thread.start_new_thread(_see_through, ())
            return
    except RuntimeError:  # the interpreter is shutting down
        pass
    with suppress(IndexError):
        while True:
            _left.popleft().close()


def _see_through() -> None:
    if not _turn.acquire(blocking=False):
        return
    try:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(_end_what_is_left())
        finally:
            loop.close()
    finally:
        _turn.release()
    if _left:  # what came since
        _end_aside()


async def _end_what_is_left() -> None:
    while _left:
        ends = [_within_a_while(_left.popleft()) for _ in range(len(_left))]
        # Their connections ended with their loops, and no caller is left to report to.
        await asyncio.gather(*ends, return_exceptions=True)
        await ended()


async def _within_a_while(ending: Ending) -> None:
    async with asyncio.timeout(_SECONDS):
        await ending


def _ended(task: "asyncio.Task[None]") -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # a waiter still gets it; otherwise asyncio would log it as never retrieved


def _start_empty() -> None:
    """Leave to the process that this one was forked from what its loops and its thread are at."""
    global _under_way, _left, _turn
    _parents.append((_under_way, _left))
    _under_way, _left, _turn = set[asyncio.Task[None]](), deque[Ending](), _thread.allocate_lock()


_parents: list[object] = []  # kept: what goes may end what is its parent's
in_child(_start_empty)
