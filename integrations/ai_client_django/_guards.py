"""Guards of pages: functions of a request that say whether it may read them."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest


def asked(guard: Callable[[HttpRequest], Any] | None, request: HttpRequest) -> Any:
    """Return what a guard, which may be a coroutine function, says of a request; where there is none, all may."""
    if guard is None:
        return True
    is_async = iscoroutinefunction(guard) or iscoroutinefunction(getattr(guard, "__call__", None))  # noqa: B004
    return (async_to_sync(guard) if is_async else guard)(request)
