"""Clients of the official SDK, and HTTP clients for them, whose calls are those of a client of this package."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Self

from .._exchange.redirects import FOLLOW_REDIRECTS
from .requests import RETRIES, STREAMED

_NAMES = ("organization", "project", "webhook_secret")
_OF_COPIES = (*_NAMES, "admin_api_key")
_AZURE_TOKEN = "_azure_ad_token"  # noqa: S105 - of the attribute, which version 2 takes from the environment all the same


def stand_on(made: Any, ours: Any, sockets: Any) -> Any:
    """Have an official client, and its copies, stand on a client of ours; return it.

    Its requests say how often they may be retried; what it read from the environment is replaced by what ours has.

    Args:
        made: The official client.
        ours: The client below.
        sockets: The address of WebSockets, which raises when it is used.
    """
    for name in _NAMES:
        setattr(made, name, getattr(ours, name))
    if hasattr(made, _AZURE_TOKEN):
        setattr(made, _AZURE_TOKEN, None)
    made.websocket_base_url = sockets
    state: dict[str, Any] = made.__dict__
    state["_prepare_request"] = (_preparing if ours._sync else _preparing_awaited)(made)
    state["copy"] = state["with_options"] = _copying(made, ours, sockets)
    return made


def _preparing(made: Any) -> Callable[[Any], None]:
    prepare = made._prepare_request

    def prepared(request: Any) -> None:
        prepare(request)
        request.extensions[RETRIES] = made.max_retries

    return prepared


def _preparing_awaited(made: Any) -> Any:
    prepare = made._prepare_request

    async def prepared(request: Any) -> None:
        await prepare(request)
        request.extensions[RETRIES] = made.max_retries

    return prepared


def _copying(made: Any, ours: Any, sockets: Any) -> Callable[..., Any]:
    make = made.copy

    @wraps(make)
    def copy(**options: Any) -> Any:
        below, given = ours, options.get("http_client")
        if given is not None and given is not made._client:
            below = ours.with_options(http_client=given)
            options["http_client"] = made._client._over(below, given)
        options.pop("websocket_base_url", None)
        copied = stand_on(make(**options), below, sockets)
        for name in _OF_COPIES:
            setattr(copied, name, options.get(name) or getattr(made, name))
        if hasattr(copied, _AZURE_TOKEN):
            setattr(copied, _AZURE_TOKEN, options.get("azure_ad_token") or getattr(made, _AZURE_TOKEN))
        return copied

    return copy


@cache
def no_sockets(http: Any, error: type[Exception]) -> Any:
    """Return an address for the WebSockets of a client that has none: using it raises an *error* that says so."""
    return type("NoSockets", (_NoSockets, http.URL), {"_error": error})()


class _NoSockets:
    """An address that only its looks can be asked for; `_uri_reference` is what the HTTP libraries read of others."""

    _error: type[Exception]

    def __init__(self) -> None:
        """Leave it without an address."""

    @property
    def _uri_reference(self) -> Any:
        raise self._error(
            "The official client over a client of ai_client opens no WebSockets, as neither its key nor its controls"
            " would count there: use the `connect` of ai_client's own client."
        )

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "<no WebSockets>"

    __eq__ = object.__eq__
    __hash__ = object.__hash__


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
        if options.get("stream"):
            request.extensions[STREAMED] = True
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
