"""HTTP clients with the defaults of this package, to give as `http_client` with a proxy or transport of one's own."""

from typing import TYPE_CHECKING, Any

from ._defaults import DEFAULT_KEEPALIVE_EXPIRY, DEFAULT_MAX_CONNECTIONS
from ._http import library
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


if TYPE_CHECKING:
    DefaultHttpxClient = httpx.Client
    DefaultAsyncHttpxClient = httpx.AsyncClient
    DefaultAioHttpClient = httpx.AsyncClient
else:
    _httpx = library("httpx").http

    class _Cookies(_httpx.Cookies):
        """Cookies, looked for only in an answer that sets some; httpx goes a long way to find that there are none."""

        def extract_cookies(self, response: Any) -> None:
            if "set-cookie" in response.headers:
                super().extract_cookies(response)

    class DefaultHttpxClient(_httpx.Client):
        """An `httpx.Client` with this package's timeout, limits and redirects."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**_defaults(_httpx, options))
            self._cookies = _Cookies(self._cookies)

    class DefaultAsyncHttpxClient(_httpx.AsyncClient):
        """An `httpx.AsyncClient` with this package's timeout, limits and redirects."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**_defaults(_httpx, options))
            self._cookies = _Cookies(self._cookies)

    class DefaultAioHttpClient(DefaultAsyncHttpxClient):
        """An `httpx.AsyncClient` that sends through aiohttp; needs the extra `aiohttp`."""

        def __init__(self, **options: Any) -> None:
            from ._aiohttp import AioHttpTransport  # noqa: PLC0415 - an optional library

            options.setdefault("transport", AioHttpTransport())
            super().__init__(**options)


def DefaultHttpx2Client(**options: Any) -> "httpx2.Client":  # noqa: N802 - the official name
    """Make an `httpx2.Client` with this package's timeout, limits and redirects; needs the extra `httpx2`."""
    http = library("httpx2").http
    client: httpx2.Client = http.Client(**_defaults(http, options))
    return client


def DefaultAsyncHttpx2Client(**options: Any) -> "httpx2.AsyncClient":  # noqa: N802 - the official name
    """Make an `httpx2.AsyncClient` with this package's timeout, limits and redirects; needs the extra `httpx2`."""
    http = library("httpx2").http
    client: httpx2.AsyncClient = http.AsyncClient(**_defaults(http, options))
    return client
