"""An ASGI wrapper that starts and closes the clients in the lifespan, which Django does not have."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from ai_client import ClientProvider
from ai_client.adapter import RequestScope

from ._consumers import consumer_template
from ._current import handle

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]


class _Application:
    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lifespan: _Lifespan | None = None
        _ = handle().provider

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # not left to the lifespan, which some servers do not run
            self._loop = loop
            handle().provider.adopt_loop()
        if scope["type"] != "lifespan":
            # A request of Django has a scope of the middleware's too, but its body is sent after that has returned.
            with RequestScope(partial(consumer_template, self._application, scope)):
                await self._application(scope, receive, send)
            return
        self._lifespan = _Lifespan(receive, send)  # kept: a server may go on after a startup that broke off
        await self._lifespan.run(self._application, scope)


class _Lifespan:
    """The lifespan of the clients around that of the application; for one that has none, it answers the server."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._from_server = receive
        self._to_server = send
        self._told = self._said = ""
        """The last message in either direction."""
        self._clients = AsyncExitStack()
        self._entered: ClientProvider | None = None

    async def run(self, application: ASGIApplication, scope: Message) -> None:
        try:
            await application(scope, self._receive, self._send)
        except Exception:
            if self._told == "lifespan.shutdown":
                await self._close()
            if self._told:  # an application that has no lifespan raises before it receives
                raise
        if self._said == "lifespan.startup.failed":
            return
        if not self._told:
            await self._receive()
        if not self._said:
            await self._send({"type": "lifespan.startup.complete"})
        if self._told == "lifespan.startup":
            await self._receive()
        if self._said == "lifespan.startup.complete":
            await self._send({"type": "lifespan.shutdown.complete"})

    async def _receive(self) -> Message:
        message = await self._from_server()
        self._told = message["type"]
        if self._told == "lifespan.startup":
            self._entered = await self._clients.enter_async_context(handle().provider.running())
        return message

    async def _send(self, message: Message) -> None:
        self._said = message["type"]
        if self._said != "lifespan.startup.complete":
            await self._close()
        await self._to_server(message)

    async def _close(self) -> None:
        await self._clients.aclose()
        latest = handle().made()
        if latest is not None and latest is not self._entered:  # the setting was changed meanwhile
            await latest.aclose()


def ai_client_asgi(application: ASGIApplication) -> ASGIApplication:
    """Wrap an ASGI application so that the clients use the server's event loop and close when the server shuts down.

    The lifespan of the application, if it has one, runs inside that of the clients.

    Raises:
        ConfigError: The setting is invalid.
        ImproperlyConfigured: The app is not loaded; wrap the return value of `get_asgi_application()`.
    """
    return _Application(application)


def wraps_application(candidate: object) -> bool:
    """Return whether an object is what `ai_client_asgi` returned."""
    return isinstance(candidate, _Application)
