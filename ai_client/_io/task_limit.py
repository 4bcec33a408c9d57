"""The time limit of a task, as `asyncio.timeout` has it, without a timer of its own."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from .._pool.watch import watch_of

T = TypeVar("T")


class _TaskLimit:
    """A task that is interrupted once its time is over."""

    __slots__ = ("is_over", "task", "until")

    until: float

    def __init__(self, task: "asyncio.Task[object]") -> None:
        self.task = task
        self.is_over = False

    def expire(self) -> None:
        self.is_over = True
        self.task.cancel()


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await something, at most for *seconds*.

    Raises:
        TimeoutError: The time was over; whatever else cancels the task goes first.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a task can wait for a limited time.")
    watch = watch_of(task.get_loop())
    limit = _TaskLimit(task)
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
