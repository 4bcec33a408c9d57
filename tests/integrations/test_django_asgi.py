"""`ai_client_asgi` hands the lifespan on to the application that it wraps, and speaks for one that knows none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application
from django.test import override_settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_client import ClientProvider
from ai_client_django import ai_client_asgi
from ai_client_django._current import handle
from ai_client_fastapi import ai_client_lifespan

KEY = {"api_key": "any", "base_url": "http://127.0.0.1:9/v1"}
Scope = Receive = Send = Any
Application = Callable[[Any, Any, Any], Any]


@asynccontextmanager
async def lifespan(
    application: Application,
) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any], Callable[..., Any]]]:
    """Start an application as a server does; yield its state, its answer, and how it is ended."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    state: dict[str, Any] = {}
    running = asyncio.ensure_future(application({"type": "lifespan", "state": state}, told.get, said.put))

    async def tell(kind: str) -> dict[str, Any]:
        await told.put({"type": f"lifespan.{kind}"})
        answer = asyncio.ensure_future(said.get())
        await asyncio.wait((answer, running), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done() and said.empty():
            answer.cancel()
            await running
            raise AssertionError("The lifespan ended without an answer.")
        return await answer

    try:
        yield state, await tell("startup"), tell
    finally:
        running.cancel()
        await asyncio.wait((running,))


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Do nothing for a lifespan."""
    del scope, receive, send


def run(main: Callable[[ClientProvider], Any]) -> None:
    """Run a test with a provider of its own."""
    with override_settings(AI_CLIENT=KEY):
        asyncio.run(main(handle().provider))


def test_the_lifespan_inside() -> None:
    """The application inside has its own lifespan, in which the clients are open, and its state."""
    events: list[str] = []

    async def main(provider: ClientProvider) -> None:
        @asynccontextmanager
        async def own(_app: Starlette) -> AsyncIterator[dict[str, str]]:
            events.append(f"startup {provider.state}")
            yield {"greeting": "hello"}
            events.append(f"shutdown {provider.state}")

        async def greet(request: Request) -> Response:
            return Response(request.state.greeting)

        application = ai_client_asgi(Starlette(routes=[Route("/", greet)], lifespan=own))
        async with lifespan(application) as (state, started, tell):
            assert started == {"type": "lifespan.startup.complete"}
            assert state == {"greeting": "hello"}
            sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "state": state}
            await application(scope, sent.get, sent.put)
            assert [(await sent.get()).get("body") for _ in range(2)] == [None, b"hello"]
            assert await tell("shutdown") == {"type": "lifespan.shutdown.complete"}
        assert provider.state == "closed"

    run(main)
    assert events == ["startup open", "shutdown open"]


def test_a_failed_startup_inside() -> None:
    """A startup that fails inside reaches the server, with its message, and closes the clients."""

    async def main(provider: ClientProvider) -> None:
        @asynccontextmanager
        async def own(_app: Starlette) -> AsyncIterator[None]:
            if _app:
                raise LookupError("no table")
            yield

        async with lifespan(ai_client_asgi(Starlette(lifespan=own))) as (_, started, _tell):
            assert started["type"] == "lifespan.startup.failed"
            assert "no table" in started["message"]
            assert provider.state == "closed"

    run(main)


def test_a_failed_shutdown_inside() -> None:
    """A shutdown that fails inside reaches the server, and the clients are closed all the same."""

    async def main(provider: ClientProvider) -> None:
        @asynccontextmanager
        async def own(_app: Starlette) -> AsyncIterator[None]:
            yield
            raise LookupError("no table")

        async with lifespan(ai_client_asgi(Starlette(lifespan=own))) as (_, _started, tell):
            ended = await tell("shutdown")
            assert ended["type"] == "lifespan.shutdown.failed"
            assert "no table" in ended["message"]
        assert provider.state == "closed"

    run(main)


@pytest.mark.parametrize("inside", [get_asgi_application(), silent], ids=["django", "silent"])
def test_an_application_without_a_lifespan(inside: Application) -> None:
    """For an application that knows no lifespan the wrapper answers, and closes the clients at its end."""

    async def main(provider: ClientProvider) -> None:
        for _ in range(2):
            async with lifespan(ai_client_asgi(inside)) as (_, started, tell):
                assert started == {"type": "lifespan.startup.complete"}
                assert provider.state == "open"
                assert await tell("shutdown") == {"type": "lifespan.shutdown.complete"}
            assert provider.state == "closed"

    run(main)


@pytest.mark.parametrize("at", ["startup", "shutdown"])
def test_an_application_that_breaks_its_lifespan_off(at: str) -> None:
    """An error that the application inside raises in place of an answer is the server's to judge."""

    async def main(provider: ClientProvider) -> None:
        async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
            del scope
            while (message := await receive())["type"] != f"lifespan.{at}":
                await send({"type": f"{message['type']}.complete"})
            raise LookupError("no table")

        with pytest.raises(LookupError, match="no table"):
            async with lifespan(ai_client_asgi(breaking)) as (_, _started, tell):
                await tell("shutdown")
        assert provider.state == ("closed" if at == "shutdown" else "open")

    run(main)


def test_an_application_that_leaves_its_lifespan_early() -> None:
    """An application inside that returns once it has started is ended by the wrapper."""

    async def main(provider: ClientProvider) -> None:
        async def brief(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"]["of"] = (await receive())["type"]
            await send({"type": "lifespan.startup.complete"})

        async with lifespan(ai_client_asgi(brief)) as (state, _started, tell):
            assert state == {"of": "lifespan.startup"}
            assert provider.state == "open"
            assert await tell("shutdown") == {"type": "lifespan.shutdown.complete"}
        assert provider.state == "closed"

    run(main)


def test_clients_of_a_setting_that_was_changed_meanwhile() -> None:
    """The end of the lifespan closes the clients of the present options, though it began with others."""

    async def main(provider: ClientProvider) -> None:
        async with lifespan(ai_client_asgi(silent)) as (_, _started, tell):
            django_settings.AI_CLIENT["timeout"] = 3
            latest = handle().provider
            assert latest is not provider
            assert provider.state == "closed"
            client = latest.async_client
            assert await tell("shutdown") == {"type": "lifespan.shutdown.complete"}
            assert latest.state == "closed"
            assert client.is_closed()

    run(main)


def test_provider_that_others_use() -> None:
    """Where another application uses the provider of the setting too, the last one that ends closes it."""

    async def main(provider: ClientProvider) -> None:
        other = Starlette(lifespan=ai_client_lifespan(provider))
        async with (
            lifespan(ai_client_asgi(silent)) as (_, _started, tell),
            lifespan(other) as (_, _other_started, tell_other),
        ):
            assert await tell("shutdown") == {"type": "lifespan.shutdown.complete"}
            assert provider.state == "open"
            assert await tell_other("shutdown") == {"type": "lifespan.shutdown.complete"}
            assert provider.state == "closed"

    run(main)
