"""An ASGI wrapper that handles the lifespan protocol, which Django does not."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ai_client.adapter import RequestScope

from ._current import handle

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]


class _Application:
    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self._loop: asyncio.AbstractEventLoop | None = None
        _ = handle().provider

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # not left to the lifespan, which some servers do not run
            self._loop = loop
            handle().provider.adopt_loop()
        if scope["type"] != "lifespan":
            with RequestScope():  # the body is sent after the middleware has returned
                await self._application(scope, receive, send)
            return
        await receive()
        handle().provider.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await handle().provider.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def ai_client_asgi(application: ASGIApplication) -> ASGIApplication:
    """Wrap an ASGI application so that the clients use the server's event loop and close when the server shuts down.

    Raises:
        ConfigError: The setting is invalid.
        ImproperlyConfigured: The app is not loaded; wrap the return value of `get_asgi_application()`.
    """
    return _Application(application)
