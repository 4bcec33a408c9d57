"""Guards of pages: functions of a request that say whether it may read them."""

from collections.abc import Callable
from typing import Any

from flask import current_app, request


def asked(guard: Callable[[Any], Any] | None) -> Any:
    """Return what a guard, which may be a coroutine function, says of the request; where there is none, all may."""
    return True if guard is None else current_app.ensure_sync(guard)(request)
