"""The time limit of a task, as `asyncio.timeout` has it, without a timer of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .._pool.watch import Watch, watch_of

T = TypeVar("T")

_SHORTEST = 0.001  # seconds, which every loop can count


class _TaskLimit:
    """A task that is interrupted once its time is over."""

    __slots__ = ("_left", "_watch", "is_over", "task", "until")

    until: float

    def __init__(self, task: "asyncio.Task[object]", watch: Watch, left: Callable[[], float] | None) -> None:
        self.task = task
        self.is_over = False
        self._watch = watch
        self._left = left

    def expire(self) -> None:
        if self._left is not None and (left := self._left()) > 0:
            self._watch.add(self, max(left, _SHORTEST))
            return
        self.is_over = True
        self.task.cancel()


async def within(seconds: float, awaitable: Awaitable[T], left: Callable[[], float] | None = None) -> T:
    """Await something, at most for *seconds*.

    Args:
        seconds: By the loop's clock, which may count in milliseconds, and lag behind.
        awaitable: What is awaited.
        left: Returns the seconds that are left by an exact clock; the limit then never comes before its time.

    Raises:
        TimeoutError: The time was over; whatever else cancels the task goes first.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a task can wait for a limited time.")
    watch = watch_of(task.get_loop())
    limit = _TaskLimit(task, watch, left)
    before = task.cancelling()
    watch.add(limit, seconds)
    try:
        result = await awaitable
    except BaseException as error:
        if limit.is_over and task.uncancel() <= before and type(error) is asyncio.CancelledError:
            raise TimeoutError from error
        raise
    else:
        if limit.is_over:  # too late to interrupt anything
            task.uncancel()
        return result
    finally:
        watch.remove(limit)
