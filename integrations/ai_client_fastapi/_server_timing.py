"""The header `Server-Timing` with the times of a request's calls, in development."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_client.adapter import CallTimings, RequestScope, timings_of_request

_NAME = b"server-timing"


class ServerTimingMiddleware:
    """Adds the header `Server-Timing` to responses: how long the calls took that the request made until then.

        app.add_middleware(ServerTimingMiddleware)

    It does nothing unless the application is in debug mode, as the header shows models and errors to whoever asks.

    Args:
        app: The application inside.
        always: Whether to add it without debug mode.
    """

    def __init__(self, app: ASGIApp, *, always: bool = False) -> None:
        self.app = app
        self._always = always

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not (self._always or self._is_debug(scope)):
            await self.app(scope, receive, send)
        elif (timings := timings_of_request()) is not None:
            await self.app(scope, receive, _showing(timings, send))
        else:  # no lifespan of the clients has begun to label requests
            with RequestScope():
                await self(scope, receive, send)

    def _is_debug(self, scope: Scope) -> bool:
        application: Any = scope.get("app") or self.app
        return bool(getattr(application, "debug", False))


def _showing(timings: CallTimings, send: Send) -> Send:
    """Return *send* with the header on the start of the response."""

    async def shown(message: Message) -> None:
        value = timings.header() if message["type"] == "http.response.start" else None
        if value is not None:
            headers = [*message.get("headers", ()), (_NAME, value.encode("ascii"))]
            message = {**message, "headers": headers}
        await send(message)

    return shown
