"""Guards of pages: functions of a request that say whether it may read them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, request

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def asked(guard: Callable[[Any], Any] | None) -> Any:
    """Return what a guard, which may be a coroutine function, says of the request; where there is none, all may.

    A tuple is a response, as that of a view.
    """
    if guard is None:
        return True
    allowed: Any = current_app.ensure_sync(guard)(request)
    if isinstance(allowed, tuple):
        return current_app.make_response(cast("ResponseReturnValue", allowed))
    return allowed
