"""Classes of the official SDK, and HTTP clients for them, whose calls are a client's of this package."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Self

from .._exchange.redirects import FOLLOW_REDIRECTS
from .requests import RETRIES

_NO_SOCKETS = (
    "The official client over a client of ai_client opens no WebSockets, as neither its key nor its controls would hold"
    " there: use the `connect` of ai_client's own client."
)
_NOWHERE = "wss://none.invalid"


@cache
def over_ours(make: Any) -> Any:
    """Return the class of the official SDK's, or derived from it, for clients over one of ours."""
    names = {"__module__": make.__module__, "__qualname__": make.__qualname__, "__doc__": make.__doc__}
    base = _AsyncOverOurs if hasattr(make, "__aenter__") else _SyncOverOurs
    return type(make.__name__, (base, make), names)


class _OverOurs:
    """The part that clients of both kinds share."""

    max_retries: int
    _client: Any
    _ours: Any = None
    _keep_open: Callable[[], None] | None = None
    _ends = False
    """Whether closing it closes more than itself."""

    def _stand_on(self, ours: Any, keep_open: Callable[[], None] | None = None) -> Self:
        """Stand on a client of ours, and take nothing from the environment that it has not."""
        self._ours = ours
        self._keep_open = keep_open
        for name in ("organization", "project", "webhook_secret"):
            setattr(self, name, getattr(ours, name))
        return self

    def _stays_open(self) -> bool:
        if not self._ends and self._keep_open is not None:
            self._keep_open()
        return not self._ends

    @property
    def websocket_base_url(self) -> Any:
        """The address of WebSockets, of which there are none.

        Raises:
            OpenAIError: Always.
        """
        raise _error_without_sockets()(_NO_SOCKETS)

    @websocket_base_url.setter
    def websocket_base_url(self, value: Any) -> None:
        del value

    def copy(self, **options: Any) -> Any:
        """Return a copy with some options changed, over the same client or, given an HTTP client, over a copy of it."""
        ours = self._ours
        given = options.get("http_client")
        if given is not None and given is not self._client:
            ours = ours.with_options(http_client=given)
            options["http_client"] = self._client._over(ours, given)
        if options.get("data_residency") is None:
            options["websocket_base_url"] = _NOWHERE  # that of this client cannot be read
        above: Any = super()
        made = above.copy(**options)
        made._stand_on(ours, self._keep_open)
        made._ends = ours is not self._ours
        for name in ("organization", "project", "webhook_secret"):
            setattr(made, name, options.get(name) or getattr(self, name))
        return made

    with_options = copy


@cache
def _error_without_sockets() -> Any:
    """Return the class of the error that there are no WebSockets, which looking through attributes survives."""
    base = import_module("openai").OpenAIError
    return type(base.__name__, (base, AttributeError), {"__module__": base.__module__})


class _SyncOverOurs(_OverOurs):
    def _prepare_request(self, request: Any) -> None:
        above: Any = super()
        above._prepare_request(request)
        request.extensions[RETRIES] = self.max_retries

    def close(self) -> None:
        """Close what belongs to this client alone, unless its provider has to."""
        if not self._stays_open():
            above: Any = super()
            above.close()


class _AsyncOverOurs(_OverOurs):
    async def _prepare_request(self, request: Any) -> None:
        above: Any = super()
        await above._prepare_request(request)
        request.extensions[RETRIES] = self.max_retries

    async def close(self) -> None:
        """Close what belongs to this client alone, unless its provider has to."""
        if not self._stays_open():
            above: Any = super()
            await above.close()


def http_client_of(
    http: Any, over: Any, keep_open: Callable[[], None] | None = None, given: Any = None
) -> Any:
    """Make an HTTP client for an SDK, which closes nothing of the client below it.

    Args:
        http: The HTTP library.
        over: A transport of this package.
        keep_open: What is called where somebody closes it.
        given: Another HTTP client, which it closes.
    """
    made = _http_client_class(http, sync=over.client._sync)(transport=over, trust_env=False)
    made._cookies = _cookies_class(http)()
    made._keep_open = keep_open
    made._given = given
    return made


@cache
def _http_client_class(http: Any, *, sync: bool) -> Any:
    if sync:
        return type("Client", (_HTTPClientOverOurs, http.Client), {})
    return type("AsyncClient", (_AsyncHTTPClientOverOurs, http.AsyncClient), {})


@cache
def _cookies_class(http: Any) -> Any:
    return type("Cookies", (_NoCookies, http.Cookies), {})


class _NoCookies:
    """Cookies of requests, to which servers add none: the client is shared by users of the application."""

    def extract_cookies(self, response: Any) -> None:
        del response


class _AnyHTTPClientOverOurs:
    """The part that HTTP clients of both kinds share."""

    _transport: Any
    _keep_open: Callable[[], None] | None
    _given: Any

    @property
    def is_closed(self) -> bool:
        closed: bool = self._transport.client.is_closed()
        return closed

    def _over(self, ours: Any, given: Any) -> Any:
        """Return an HTTP client like this one over another client of ours, which closes the one that was given."""
        return http_client_of(self._transport.http, self._transport.twin(ours), given=given)

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request; redirects are followed by the client below, which takes no key along to other origins."""
        if options.get("follow_redirects") is False:
            request.extensions[FOLLOW_REDIRECTS] = False
        above: Any = super()
        return above.send(request, **{**options, "follow_redirects": False})


class _HTTPClientOverOurs(_AnyHTTPClientOverOurs):
    def close(self) -> None:
        if self._keep_open is not None:
            self._keep_open()
        if self._given is not None:
            self._given.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _AsyncHTTPClientOverOurs(_AnyHTTPClientOverOurs):
    async def aclose(self) -> None:
        if self._keep_open is not None:
            self._keep_open()
        if self._given is not None:
            await self._given.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
