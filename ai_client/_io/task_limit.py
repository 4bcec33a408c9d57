"""The time limit of a task, as `asyncio.timeout` has it, without a timer of its own."""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from .._pool.watch import Watch, watch_of

T = TypeVar("T")

_SHORTEST = 0.001  # seconds, which every loop can count


class _TaskLimit:
    """A task that is interrupted once its time is over."""

    __slots__ = ("_deadline", "_watch", "is_over", "task", "until")

    until: float

    def __init__(self, task: "asyncio.Task[object]", watch: Watch, deadline: float | None) -> None:
        self.task = task
        self.is_over = False
        self._watch = watch
        self._deadline = deadline

    def expire(self) -> None:
        if self._deadline is not None and (left := self._deadline - time.monotonic()) > 0:
            self._watch.add(self, max(left, _SHORTEST))
            return
        self.is_over = True
        self.task.cancel()


async def within(seconds: float, awaitable: Awaitable[T], deadline: float | None = None) -> T:
    """Await something, at most for *seconds*.

    Args:
        seconds: By the loop's clock, which may count in milliseconds, and lag behind.
        awaitable: What is awaited.
        deadline: The same by an exact clock, in seconds of `time.monotonic`; the limit then never comes before it.

    Raises:
        TimeoutError: The time was over; whatever else cancels the task goes first.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a task can wait for a limited time.")
    watch = watch_of(task.get_loop())
    limit = _TaskLimit(task, watch, deadline)
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
