"""Guards of pages: functions of a request that say whether it may read them."""

import inspect
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request


async def asked(guard: Callable[[Request], Any] | None, request: Request) -> Any:
    """Return what a guard says; a plain function is called in a thread, as it may wait for a database.

    Where there is none, everybody may.
    """
    if guard is None:
        return True
    if inspect.iscoroutinefunction(guard) or inspect.iscoroutinefunction(getattr(guard, "__call__", None)):  # noqa: B004
        return await guard(request)
    allowed = await run_in_threadpool(guard, request)
    return await allowed if inspect.isawaitable(allowed) else allowed
