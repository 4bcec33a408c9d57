"""The adapter: one AI client per application and process, as `ai.client` and `ai.async_client`.

ai = AIClient()

def create_app():
    app = Quart(__name__)
    app.config.from_prefixed_env()
    ai.init_app(app)
    return app
"""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from typing import Any, TypeVar, cast

import click
from quart import Quart, Response, current_app, has_request_context, request, websocket

from ai_client import AsyncOpenAI, ClientProvider, OpenAI, OpenAIError
from ai_client.adapter import EVENT_HEADERS, EVENT_STREAM, RequestScope, Settings, async_events, http_error

KEY = "ai_client"
REQUEST = "ai_client.request"
CLOSING = "ai_client.closing"
T = TypeVar("T")
ASGI = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


class AIClient:
    """The AI clients of Quart applications, whose state is in `app.extensions["ai_client"]`."""

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Register with an application and read its `AI_CLIENT_*` keys; clients are built on first use.

        Raises:
            ConfigError: A key is unknown or its value is invalid.
        """
        if KEY in app.extensions:
            raise RuntimeError(f"This application has an extension {KEY!r} already.")
        settings = Settings.from_keys(app.config)
        provider = app.extensions[KEY] = settings.make_provider()

        async def own_clients() -> AsyncGenerator[None]:
            async with provider.running():
                yield

        @app.cli.command("ai-client-doctor")
        @click.option("--offline", is_flag=True, help="Connect to nothing.")
        def doctor(*, offline: bool) -> None:
            """Find what is wrong with the options, on the way to the API and there, without secrets."""
            lines = list(settings.diagnose(offline=offline))
            click.echo("\n".join(line for line, _ in lines))
            raise SystemExit(any(fault for _, fault in lines))

        app.while_serving(own_clients)
        app.asgi_app = _with_scopes(app.asgi_app)  # type: ignore[assignment, method-assign]
        app.before_request(_label)
        app.before_websocket(_label)
        app.register_error_handler(OpenAIError, _answer)

    @property
    def client(self) -> OpenAI:
        """The current application's sync client, for views that are plain functions."""
        return _provider().client

    @property
    def async_client(self) -> AsyncOpenAI:
        """The current application's async client."""
        return _provider().async_client

    def __getitem__(self, alias: str) -> Any:
        """Return the current application's clients of an alias, with `client` and `async_client`."""
        return _provider()[alias]


def stream_response(
    stream: Iterable[T] | AsyncIterable[T], *, transform: Callable[[T], Any] | None = None
) -> Response:
    """Return a response that sends the items of a stream as server-sent events, and `[DONE]` after the last."""
    events = async_events(stream, transform)
    cast("Any", request.scope)[CLOSING].push_async_callback(events.aclose)
    response = Response(events, headers=dict(EVENT_HEADERS), content_type=EVENT_STREAM)
    response.timeout = None  # a stream may take longer than RESPONSE_TIMEOUT
    return response


def _provider() -> ClientProvider:
    provider: ClientProvider = current_app.extensions[KEY]
    return provider


def _with_scopes(application: ASGI) -> ASGI:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
            return
        with RequestScope() as scope[REQUEST]:
            async with AsyncExitStack() as scope[CLOSING]:
                await application(scope, receive, send)

    return serve


async def _label() -> None:
    served: Any = request if has_request_context() else websocket
    if served.url_rule is not None:
        served.scope[REQUEST].set_endpoint(served.root_path + served.url_rule.rule)


async def _answer(error: OpenAIError) -> Any:
    shown = http_error(error)
    if shown is None:
        raise error
    return shown.body, shown.status, shown.headers
