"""Label calls with the route template of the request that they serve."""

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_client.adapter import RequestScope

from ._routes import route_template

_LABELLED = "ai_client.labelled"
_MIDDLEWARE = "ai_client_labels"


class LabelMiddleware:
    """Sets the labels of each request, for its background tasks and its streamed body too.

    Attributes:
        app: The application inside.
        users: How many providers want it; without any it does nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.users = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            token = _passed.set(self)
            try:
                await self.app(scope, receive, send)
            finally:
                _passed.reset(token)
        elif not self.users or is_labelled(scope):
            await self.app(scope, receive, send)
        else:
            scope[_LABELLED] = True
            with RequestScope(partial(route_template, scope)):
                await self.app(scope, receive, send)


_passed: ContextVar[LabelMiddleware | None] = ContextVar("ai_client_passed", default=None)
"""The middleware that a running lifespan has come through."""


def is_labelled(scope: Mapping[str, Any]) -> bool:
    """Return whether a request has its labels: the middleware of an application that it passed has set them."""
    return _LABELLED in scope


def begin_labelling(target: Any) -> None:
    """Label the requests of an application or router from here on.

    The middleware becomes the outermost, because what has started accepts no more middleware inside. One that is left
    in a stack that somebody wrapped since is used again.
    """
    stack = target.middleware_stack or target.build_middleware_stack()
    middleware: LabelMiddleware | None = getattr(target, _MIDDLEWARE, None)
    if middleware is None or not (middleware is _passed.get() or middleware in _layers(stack)):
        middleware = target.middleware_stack = LabelMiddleware(stack)
        setattr(target, _MIDDLEWARE, middleware)
    middleware.users += 1


def end_labelling(target: Any) -> None:
    """Undo `begin_labelling`; the last time, the middleware is taken out of the stack where that shows it."""
    middleware: LabelMiddleware | None = getattr(target, _MIDDLEWARE, None)
    if middleware is None or not middleware.users:
        return
    middleware.users -= 1
    if middleware.users:
        return
    holders = [
        layer for layer in _layers(target.middleware_stack) if getattr(layer, "app", None) is middleware
    ]
    if target.middleware_stack is middleware:
        target.middleware_stack = middleware.app
    elif holders:
        holders[0].app = middleware.app
    else:  # a layer that hides what it wraps may hold it
        return
    delattr(target, _MIDDLEWARE)


def _layers(stack: Any) -> Iterator[Any]:
    """Yield a stack of middleware, from the outermost to the application."""
    seen = set[int]()
    while stack is not None and id(stack) not in seen:
        seen.add(id(stack))
        yield stack
        stack = getattr(stack, "app", None)
