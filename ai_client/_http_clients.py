"""HTTP clients with the defaults and the pool of this package, to give as `http_client` with options of one's own."""

from functools import cache
from typing import TYPE_CHECKING, Any

from ._defaults import DEFAULT_KEEPALIVE_EXPIRY, DEFAULT_MAX_CONNECTIONS
from ._http import LibraryName, library
from ._setup import DEFAULT_CONNECT_TIMEOUT, DEFAULT_READ_TIMEOUT

if TYPE_CHECKING:
    import httpx
    import httpx2


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


@cache
def _cookie_class(name: LibraryName) -> Any:
    http: Any = library(name).http

    class Cookies(http.Cookies):  # type: ignore[misc]
        """Cookies, looked for only in an answer that sets some; the library goes a long way to find none."""

        def extract_cookies(self, response: Any) -> None:
            if "set-cookie" in response.headers:
                super().extract_cookies(response)

    return Cookies


# A client of the library chooses its transports in two methods, `_init_transport` and `_init_proxy_transport`. Here
# one of our pools stands wherever it can do what was asked for, the library's own transport elsewhere.


@cache
def _blocking_class(name: LibraryName) -> Any:
    found = library(name)
    http: Any = found.http

    class Client(http.Client):  # type: ignore[misc]
        _cookies: Any

        def __init__(self, **options: Any) -> None:
            super().__init__(**_defaults(http, options))
            self._cookies = _cookie_class(name)(self._cookies)

        def _init_transport(self, *, transport: Any = None, **options: Any) -> Any:
            from ._transports import blocking_transport, fits  # noqa: PLC0415 - loads the pool

            if transport is not None or not fits(options):
                return super()._init_transport(transport=transport, **options)
            return blocking_transport(found, options)

        def _init_proxy_transport(self, proxy: Any, **options: Any) -> Any:
            from ._transports import blocking_transport, fits  # noqa: PLC0415 - loads the pool

            if not fits(options):
                return super()._init_proxy_transport(proxy, **options)
            return blocking_transport(found, options, proxy)

    return Client


@cache
def _awaitable_class(name: LibraryName) -> Any:
    found = library(name)
    http: Any = found.http

    class AsyncClient(http.AsyncClient):  # type: ignore[misc]
        _cookies: Any

        def __init__(self, **options: Any) -> None:
            super().__init__(**_defaults(http, options))
            self._cookies = _cookie_class(name)(self._cookies)

        def _init_transport(self, *, transport: Any = None, **options: Any) -> Any:
            from ._transports import awaitable_transport, fits  # noqa: PLC0415 - loads the pool

            if transport is not None or not fits(options):
                return super()._init_transport(transport=transport, **options)
            return awaitable_transport(found, options)

        def _init_proxy_transport(self, proxy: Any, **options: Any) -> Any:
            from ._transports import awaitable_transport, fits  # noqa: PLC0415 - loads the pool

            if not fits(options):
                return super()._init_proxy_transport(proxy, **options)
            return awaitable_transport(found, options, proxy)

    return AsyncClient


if TYPE_CHECKING:
    DefaultHttpxClient = httpx.Client
    DefaultAsyncHttpxClient = httpx.AsyncClient
    DefaultAioHttpClient = httpx.AsyncClient
else:

    class DefaultHttpxClient(_blocking_class("httpx")):
        """An `httpx.Client` over this package's pool, with its timeout, limits and redirects.

        All options of `httpx.Client` hold. Requests are sent by httpx's own transport instead of the pool, with what
        that does under cancellation and timeouts, where `http2=True` or `http1=False` asks for another protocol than
        HTTP/1.1; where `transport` gives one, also `httpx.HTTPTransport(uds=..., local_address=..., retries=...,
        socket_options=...)`, which has options that `httpx.Client` lacks; and what `mounts` sends elsewhere. The pool
        knows neither httpx's extension `trace` nor connections that switch to another protocol.
        """

    class DefaultAsyncHttpxClient(_awaitable_class("httpx")):
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
            from ._aiohttp import AioHttpTransport  # noqa: PLC0415 - an optional library
            from ._transports import pool_options  # noqa: PLC0415 - loads the pool

            return AioHttpTransport(pool_options(library("httpx"), options, proxy))


def DefaultHttpx2Client(**options: Any) -> "httpx2.Client":  # noqa: N802 - the official name
    """Make an `httpx2.Client` as `DefaultHttpxClient` is one of httpx; needs the extra `httpx2`."""
    client: httpx2.Client = _blocking_class("httpx2")(**options)
    return client


def DefaultAsyncHttpx2Client(**options: Any) -> "httpx2.AsyncClient":  # noqa: N802 - the official name
    """Make an `httpx2.AsyncClient` as `DefaultAsyncHttpxClient` is one of httpx; needs the extra `httpx2`."""
    client: httpx2.AsyncClient = _awaitable_class("httpx2")(**options)
    return client
