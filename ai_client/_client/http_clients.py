"""HTTP clients with the defaults and the pool of this package, to give as `http_client` with options of one's own."""

from functools import cache
from typing import TYPE_CHECKING, Any

from .._http.library import Library, LibraryName, library
from .._libraries import httpx, httpx2
from .._params.defaults import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_KEEPALIVE_EXPIRY,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_READ_TIMEOUT,
)


def _defaults(http: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "timeout": http.Timeout(DEFAULT_READ_TIMEOUT, connect=DEFAULT_CONNECT_TIMEOUT),
        "limits": http.Limits(
            max_connections=DEFAULT_MAX_CONNECTIONS,
            max_keepalive_connections=DEFAULT_MAX_CONNECTIONS,
            keepalive_expiry=DEFAULT_KEEPALIVE_EXPIRY,
        ),
        "follow_redirects": True,
        **options,
    }


class _Cookies:
    """Cookies, looked for only in an answer that sets some; the library goes a long way to find none."""

    def extract_cookies(self, response: Any) -> None:
        if "set-cookie" in response.headers:
            above: Any = super()
            above.extract_cookies(response)


class _Pooled:
    """A client of an HTTP library that chooses its transports.

    The library's clients do so in two methods, `_init_transport` and `_init_proxy_transport`. One of our pools stands
    wherever it supports the options, the library's own transport elsewhere.
    """

    _found: Library
    _sync: bool
    _cookies: Any

    def __init__(self, **options: Any) -> None:
        above: Any = super()
        above.__init__(**_defaults(self._found.http, options))
        self._cookies = _cookie_class(self._found.name)(self._cookies)

    def _init_transport(self, *, transport: Any = None, **options: Any) -> Any:
        from .._exchange.transports import fits, transport_for  # noqa: PLC0415 - loads the pool

        if transport is not None or not fits(options):
            above: Any = super()
            return above._init_transport(transport=transport, **options)
        return transport_for(self._found, options, sync=self._sync)

    def _init_proxy_transport(self, proxy: Any, **options: Any) -> Any:
        from .._exchange.transports import fits, transport_for  # noqa: PLC0415 - loads the pool

        if not fits(options):
            above: Any = super()
            return above._init_proxy_transport(proxy, **options)
        return transport_for(self._found, options, proxy, sync=self._sync)


@cache
def _cookie_class(name: LibraryName) -> Any:
    return type("Cookies", (_Cookies, library(name).http.Cookies), {})


@cache
def _class_of(name: LibraryName, *, sync: bool) -> Any:
    """Make the sync or the async client of a library."""
    found = library(name)
    kind = "Client" if sync else "AsyncClient"
    return type(kind, (_Pooled, getattr(found.http, kind)), {"_found": found, "_sync": sync})


if TYPE_CHECKING:
    DefaultHttpxClient = httpx.Client
    DefaultAsyncHttpxClient = httpx.AsyncClient
    DefaultAioHttpClient = httpx.AsyncClient
else:

    class DefaultHttpxClient(_class_of("httpx", sync=True)):
        """An `httpx.Client` over this package's pool, with its timeout, limits and redirects.

        All options of `httpx.Client` hold. Requests are sent by httpx's own transport instead of the pool, with what
        that does under cancellation and timeouts, where `http2=True` or `http1=False` asks for another protocol than
        HTTP/1.1; where `transport` gives one, also `httpx.HTTPTransport(uds=..., local_address=..., retries=...,
        socket_options=...)`, which has options that `httpx.Client` lacks; and what `mounts` sends elsewhere. The pool
        knows neither httpx's extension `trace` nor connections that switch to another protocol.
        """

    class DefaultAsyncHttpxClient(_class_of("httpx", sync=False)):
        """An `httpx.AsyncClient` over this package's pool, with its timeout, limits and redirects.

        Cancelled calls leave it unharmed. It keeps a pool for each event loop that it is used in, and `limits` are
        those of one pool. All options of `httpx.AsyncClient` hold. Requests are sent by httpx's own transport instead
        of the pool, which cancelled calls may use up, where `http2=True` or `http1=False` asks for another protocol
        than HTTP/1.1; where `transport` gives one, also `httpx.AsyncHTTPTransport(uds=..., local_address=...,
        retries=..., socket_options=...)`, which has options that `httpx.AsyncClient` lacks; what `mounts` sends
        elsewhere; and without a running asyncio loop, under trio say. The pool knows neither httpx's extension
        `trace` nor connections that switch to another protocol.
        """

    class DefaultAioHttpClient(DefaultAsyncHttpxClient):
        """An `httpx.AsyncClient` that sends through aiohttp; needs the extra `aiohttp`.

        It keeps an aiohttp session for each event loop that it is used in. All options of `httpx.AsyncClient` hold,
        but for `http2` and `http1`, since aiohttp speaks HTTP/1.1 only, and `max_keepalive_connections`, which counts
        only where it is 0. SOCKS proxies are refused. Where `transport` gives another way to send, that is used.
        """

        def _init_transport(self, *, transport: Any = None, **options: Any) -> Any:
            return self._over_aiohttp(options, None) if transport is None else transport

        def _init_proxy_transport(self, proxy: Any, **options: Any) -> Any:
            return self._over_aiohttp(options, proxy)

        def _over_aiohttp(self, options: dict[str, Any], proxy: Any) -> Any:
            from .._exchange.aiohttp import AioHttpTransport  # noqa: PLC0415 - an optional library
            from .._exchange.transports import pool_options  # noqa: PLC0415 - loads the pool

            return AioHttpTransport(pool_options(library("httpx"), options, proxy))


def DefaultHttpx2Client(**options: Any) -> "httpx2.Client":  # noqa: N802 - the official name
    """Make an `httpx2.Client` as `DefaultHttpxClient` is one of httpx; needs the extra `httpx2`."""
    client: httpx2.Client = _class_of("httpx2", sync=True)(**options)
    return client


def DefaultAsyncHttpx2Client(**options: Any) -> "httpx2.AsyncClient":  # noqa: N802 - the official name
    """Make an `httpx2.AsyncClient` as `DefaultAsyncHttpxClient` is one of httpx; needs the extra `httpx2`."""
    client: httpx2.AsyncClient = _class_of("httpx2", sync=False)(**options)
    return client
