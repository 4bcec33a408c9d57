"""Work of finalizers that the garbage collector runs: in a thread, as whoever the collector interrupts may hold a lock.

What goes out of use otherwise is finalized where its last name goes, with none of the package's locks held.
"""

import _thread
import atexit
import gc
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .._fork import in_child

_SECONDS = 5.0
"""Seconds that the end of a process waits for the thread."""
_collector = 0
"""The thread in which the garbage collector runs."""
_left: deque[Callable[[], object]] = deque()
_turn = _thread.allocate_lock()
"""Held while a thread sees to what is left, one for all of it."""


def watch() -> None:
    """Watch the garbage collector from now on."""
    if _note not in gc.callbacks:
        gc.callbacks.append(_note)
        atexit.register(_wait)


def see_to(work: Callable[[], object]) -> None:
    """Do the work of a finalizer: now, or in a thread where the garbage collector runs in this one."""
    if _collector != _thread.get_ident() or sys.is_finalizing():
        work()
        return
    _left.append(work)
    _work_aside()


def _note(phase: str, info: dict[str, Any]) -> None:
    global _collector  # noqa: PLW0603 - one collector a process
    del info
    _collector = _thread.get_ident() if phase == "start" else 0


def _work_aside() -> None:
    """Have a thread see to what is left, unless one does.

    The thread takes its turn itself: what interrupts this one, such as Ctrl-C, would leave the turn taken for ever.
    """
    if not _turn.locked():  # else who has it looks at what is left once more after it
        with suppress(RuntimeError):  # there are too many; a later one, or the end of the process, sees to it
            _thread.start_new_thread(_work, ())  # a finalizer may do this, not start a `Thread`


def _work() -> None:
    if not _turn.acquire(blocking=False):
        return
    try:
        _work_off()
    finally:
        _turn.release()
    if _left:  # what came since
        _work_aside()


def _work_off() -> None:
    while True:
        try:
            work = _left.popleft()
        except IndexError:
            return
        with suppress(Exception):  # a finalizer has no caller to report to
            work()


def _wait() -> None:
    """See to what is left before the process ends."""
    if _turn.acquire(timeout=_SECONDS):
        _turn.release()
    _work_off()


def _start_empty() -> None:
    """Leave to the process that this one was forked from what it was at."""
    global _left, _turn
    _parents.append(_left)
    _left, _turn = deque[Callable[[], object]](), _thread.allocate_lock()


_parents: list[object] = []  # kept: what goes may end what is its parent's
in_child(_start_empty)
