"""The two clients: same resources, same policies, two ways to wait."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, Literal, Self

from ._exchange import AsyncClientSender, AsyncPoolSender, AsyncSender, ClientSender, PoolSender, Sender
from ._http import PoolOptions, library
from ._io import IO, AsyncIO, BlockingIO
from ._message import Messages
from ._operation import Async, M, Sync, View
from ._pool import AwaitablePool, BlockingPool
from ._request import NotGiven, encode, not_given
from ._result import body_of, check_opening, make_result
from .config import DEFAULT_KEEPALIVE_EXPIRY, DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_RETRIES, check_secret
from .control.call import Call, Layer, Next, Reply
from .control.retry import retry
from .errors import APIConnectionError, APITimeoutError, ClientClosedError, OpenAIError, status_error

if TYPE_CHECKING:
    import httpx

    from .resources.chat import Chat
    from .resources.embeddings import Embeddings
    from .resources.models import Models

DEFAULT_BASE_URL = "https://api.openai.com/v1/"
DEFAULT_READ_TIMEOUT = 600.0
DEFAULT_CONNECT_TIMEOUT = 5.0
_ERROR_STATUS = 400


class BaseClient(Messages, Generic[M]):
    """Everything both clients share, the resources included."""

    io: IO
    _sender: Any

    def __init__(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: "str | httpx.URL | None" = None,
        timeout: "float | httpx.Timeout | NotGiven | None" = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: Any = None,
        layers: Sequence[Layer] = (),
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        keepalive_expiry: float = DEFAULT_KEEPALIVE_EXPIRY,
        trust: Literal["certifi", "system"] = "certifi",
        _strict_response_validation: bool = False,
    ) -> None:
        environment = os.environ.get
        if api_key is None:
            api_key = environment("OPENAI_API_KEY")
        if not api_key:
            raise OpenAIError(
                "No API key. Pass api_key=... to the client, or set the environment variable OPENAI_API_KEY."
            )
        self._api_key_source = api_key if callable(api_key) else None
        self.api_key = "" if callable(api_key) else check_secret("api_key", api_key)
        self.organization = environment("OPENAI_ORG_ID") if organization is None else organization
        self.project = environment("OPENAI_PROJECT_ID") if project is None else project
        self.webhook_secret = (
            environment("OPENAI_WEBHOOK_SECRET") if webhook_secret is None else webhook_secret
        )
        self._library = library()
        self.base_url = base_url or environment("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        default: httpx.Timeout = self._library.http.Timeout(
            DEFAULT_READ_TIMEOUT, connect=DEFAULT_CONNECT_TIMEOUT
        )
        self.timeout = default if isinstance(timeout, NotGiven) else timeout
        self.max_retries = _checked_retries(max_retries)
        self._custom_headers = dict(default_headers or {})
        self._custom_query = dict(default_query or {})
        self._strict_response_validation = _strict_response_validation
        self._layers = tuple(layers)
        self._owns_sender = True
        self._closed = False
        self._sender = self._connect(
            http_client,
            PoolOptions(max_connections=max_connections, keepalive_expiry=keepalive_expiry, trust=trust),
        )
        self.io = self._wait_through(self._sender)
        self._assemble()

    def _connect(self, http_client: Any, options: PoolOptions) -> Any:
        raise NotImplementedError

    def _wait_through(self, sender: Any) -> IO:
        raise NotImplementedError

    def _assemble(self) -> None:
        """Put the policies around the wire; the first layer is the outermost."""
        proceed: Next = self._send
        for layer in reversed(self._layers):
            proceed = partial(_apply, layer, proceed)
        self._proceed = proceed

    def copy(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: "str | httpx.URL | None" = None,
        timeout: "float | httpx.Timeout | NotGiven | None" = not_given,
        max_retries: int | NotGiven = not_given,
        default_headers: Mapping[str, str] | None = None,
        set_default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
        layers: Sequence[Layer] | None = None,
    ) -> Self:
        """Make a client with some options changed that shares this one's connections.

        Closing the copy leaves the connections open; closing the original closes them.
        """
        if default_headers is not None and set_default_headers is not None:
            raise ValueError(
                "The `default_headers` and `set_default_headers` arguments are mutually exclusive"
            )
        if default_query is not None and set_default_query is not None:
            raise ValueError("The `default_query` and `set_default_query` arguments are mutually exclusive")
        new = object.__new__(type(self))
        state = self.__dict__
        new.__dict__ = {name: value for name, value in state.items() if name not in _RESOURCES}
        new._owns_sender = False
        if api_key is not None:
            new._api_key_source = api_key if callable(api_key) else None
            new.api_key = "" if callable(api_key) else check_secret("api_key", api_key)
        if base_url is not None:
            new.base_url = base_url
        if not isinstance(timeout, NotGiven):
            new.timeout = timeout
        if not isinstance(max_retries, NotGiven):
            new.max_retries = _checked_retries(max_retries)
        new.organization = organization or self.organization
        new.project = project or self.project
        new.webhook_secret = webhook_secret or self.webhook_secret
        if set_default_headers is not None:
            new._custom_headers = dict(set_default_headers)
        elif default_headers is not None:
            new._custom_headers = {**self._custom_headers, **default_headers}
        if set_default_query is not None:
            new._custom_query = dict(set_default_query)
        elif default_query is not None:
            new._custom_query = {**self._custom_query, **default_query}
        if layers is not None:
            new._layers = tuple(layers)
        new._assemble()
        return new

    with_options = copy

    def is_closed(self) -> bool:
        """Tell whether the client, or the one whose connections it shares, is closed."""
        return self._closed or self._sender.is_closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} base_url={str(self.base_url)!r}>"

    async def perform(self, call: Call, /) -> Reply:
        """Send a call through every policy.

        Raises:
            APIError: The call did not lead to an answer of status below 400.
            ClientClosedError: The client is closed.
        """
        if self._closed or self._sender.is_closed:
            raise ClientClosedError(
                "This client is closed. Make a new one, or keep one open for the process."
            )
        return await self._proceed(call)

    def result(self, call: Call, reply: Reply, view: View, /) -> Any:
        """Make what the caller gets: a model, a stream, a binary body or a raw response."""
        return make_result(self, call, reply, view, strict=self._strict_response_validation)

    async def _send(self, call: Call) -> Reply:
        """The innermost step: encode the body once, then try until it works or cannot."""
        if (via := call.via) is not None:
            reply: Reply = await via._send(call.changed(io=via.io, via=None))
            return reply
        body = call.body
        content = body if body is None or isinstance(body, bytes) else encode(body)

        async def attempt(taken: int) -> Reply:
            return await self._attempt(call, content, taken)

        return await retry(call, attempt, self.max_retries if call.max_retries is None else call.max_retries)

    async def _attempt(self, call: Call, content: bytes | None, taken: int) -> Reply:
        io = call.io
        if self._api_key_source is not None:
            self.api_key = check_secret("api_key", await io.call(self._api_key_source))
        request = self._build(self._sender, call, content, taken)
        streamed = call.unread or call.stream is not None
        try:
            response = await io.send(request, stream=streamed)
            if response.status_code >= _ERROR_STATUS:
                await io.read(response)
        except io.timeouts as error:
            raise APITimeoutError(request) from error
        except io.failures as error:
            message = (
                f"Connection error: {request.method} {_origin(request)} failed ({type(error).__name__})."
            )
            raise APIConnectionError(message=message, request=request) from error
        if response.status_code >= _ERROR_STATUS:
            raise status_error(response, body_of(response))
        if call.stream is not None:
            await check_opening(call, response)
        return Reply(response, taken)

    @cached_property
    def chat(self) -> "Chat[M]":
        """Conversations with a model."""
        from .resources.chat import Chat  # noqa: PLC0415 - loaded on first use

        return Chat(self)

    @cached_property
    def embeddings(self) -> "Embeddings[M]":
        """Vectors for texts."""
        from .resources.embeddings import Embeddings  # noqa: PLC0415 - loaded on first use

        return Embeddings(self)

    @cached_property
    def models(self) -> "Models[M]":
        """The models that the API offers."""
        from .resources.models import Models  # noqa: PLC0415 - loaded on first use

        return Models(self)


class OpenAI(BaseClient[Sync]):
    """The blocking client: safe to share between threads, and meant to be."""

    def _connect(self, http_client: Any, options: PoolOptions) -> Sender:
        if http_client is not None:
            return ClientSender(http_client, self._library)
        return PoolSender(BlockingPool(options), self._library)

    def _wait_through(self, sender: Sender) -> IO:
        return BlockingIO(sender)

    def close(self) -> None:
        """Close the client and, unless it is a copy, its connections."""
        self._closed = True
        if self._owns_sender:
            self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncOpenAI(BaseClient[Async]):
    """The awaitable client: for the tasks of one event loop."""

    def _connect(self, http_client: Any, options: PoolOptions) -> AsyncSender:
        if http_client is not None:
            return AsyncClientSender(http_client, self._library)
        return AsyncPoolSender(AwaitablePool(options), self._library)

    def _wait_through(self, sender: AsyncSender) -> IO:
        return AsyncIO(sender)

    async def close(self) -> None:
        """Close the client and, unless it is a copy, its connections."""
        self._closed = True
        if self._owns_sender:
            await self._sender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


_RESOURCES = frozenset(
    name for name, member in vars(BaseClient).items() if isinstance(member, cached_property)
)


async def _apply(layer: Layer, proceed: Next, call: Call) -> Reply:
    return await layer(call, proceed)


def _checked_retries(value: int) -> int:
    if type(value) is not int:
        raise TypeError("max_retries must be a non-negative integer; 0 turns retries off")
    if value < 0:
        raise ValueError("max_retries must be a non-negative integer; 0 turns retries off")
    return value


def _origin(request: "httpx.Request") -> str:
    url = request.url
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}{url.path}"
