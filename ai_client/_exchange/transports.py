"""Our pools as transports of the HTTP library's clients: what `DefaultHttpxClient` and its kin send through."""

import asyncio
import os
import ssl
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from .._http.certificates import TrustError
from .._http.library import Library, LibraryName, library
from .._http.options import PoolOptions
from .._libraries import httpx
from .._pool.async_pool import AsyncPool
from .._pool.permits import PoolStats
from .._pool.sync_pool import SyncPool
from ..errors import ConfigError
from .call_request import CallRequest
from .loop_sender import LoopSender
from .pool_senders import AsyncPoolHop

_ALPN = ["http/1.1"]
_FOR_EVER = 3_000_000_000.0
"""Seconds, for what takes no infinity."""


def fits(options: dict[str, Any]) -> bool:
    """Return whether our pool supports the options of an HTTP client; it speaks HTTP/1.1 only."""
    return bool(options.get("http1", True)) and not options.get("http2")


def transport_for(found: Library, options: dict[str, Any], proxy: Any = None, *, sync: bool) -> Any:
    """Make the transport of an HTTP client over our pool.

    Args:
        found: The client's library.
        options: As the client got them: `verify`, `cert`, `trust_env` and `limits`.
        proxy: The library's `Proxy` that all requests go through, if any.
        sync: Which kind of client it is.
    """
    pooled = pool_options(found, options, proxy)
    if sync:
        return SyncPool(pooled)
    elsewhere = partial(found.http.AsyncHTTPTransport, **options, proxy=proxy)
    return _loop_transport(found.name)(pooled, found, elsewhere)


def pool_options(found: Library, options: dict[str, Any], proxy: Any) -> PoolOptions:
    """Return the options of a pool that does what an HTTP client was asked for.

    Raises:
        ConfigError: `SSL_CERT_FILE` or `SSL_CERT_DIR` names nothing that can be read.
    """
    limits, trust_env = options["limits"], bool(options["trust_env"])
    unlimited = limits.max_connections is None
    pooled: dict[str, Any] = {
        "max_connections": sys.maxsize if unlimited else limits.max_connections,
        "max_idle": limits.max_keepalive_connections,
        "keepalive_expiry": _FOR_EVER if limits.keepalive_expiry is None else limits.keepalive_expiry,
        "verify": _verify(found, options["verify"], options["cert"], trust_env=trust_env),
        "trust_env": trust_env,
        "environment_proxies": False,  # the HTTP client has its own way to choose among them
        "library": found.name,
    }
    if proxy is not None:
        pooled["proxy"] = _address(proxy)
        pooled["proxy_headers"] = tuple(proxy.headers.raw)
        pooled["proxy_verify"] = True if proxy.ssl_context is None else _for_http11(proxy.ssl_context)
    made = PoolOptions(**pooled)
    if (
        trust_env
        and made.verify is True
        and (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"))
    ):
        try:
            made.tls()  # what the environment says of certificates is wrong now rather than at the first request
        except TrustError as error:
            raise ConfigError(str(error)) from error
    return made


def _verify(found: Library, verify: Any, cert: Any, *, trust_env: bool) -> bool | ssl.SSLContext:
    """Return whether, or with which context, certificates are checked; the usual contexts are the process's."""
    if isinstance(verify, bool) and not cert:
        return verify
    return _for_http11(found.http.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env))


def _for_http11(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(_ALPN)
    return context


def _address(proxy: Any) -> str:
    login = ""
    if proxy.auth is not None:
        login = ":".join(quote(part, safe="") for part in proxy.auth) + "@"
    return f"{proxy.url.scheme}://{login}{proxy.url.netloc.decode('ascii')}"


class _LoopTransport:
    """A pool for each event loop that the client is used in; *elsewhere* makes a transport for where none runs."""

    def __init__(self, options: PoolOptions, found: Library, elsewhere: Callable[[], Any]) -> None:
        self._sender = LoopSender(lambda: AsyncPoolHop(AsyncPool(options), found), found)
        self._elsewhere = elsewhere
        self._other: Any = None

    def stats(self) -> PoolStats | None:
        """Count the connections of our pools; `None` where there are others."""
        return self._sender.stats() if self._other is None else None

    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        """Send a request; return when the head of its answer is there."""
        if self._sender.is_closed:
            raise RuntimeError("This transport is closed.")
        if asyncio._get_running_loop() is None:
            if self._other is None:
                self._other = self._elsewhere()
            response: httpx.Response = await self._other.handle_async_request(request)
            return response
        return (await self._sender.exchange(CallRequest.of(request), stream=True)).response

    async def aclose(self) -> None:
        """Close every connection, each on its own loop."""
        self._sender.is_closed = True
        if asyncio._get_running_loop() is not None:
            await self._sender.aclose()
        else:
            self._sender.close()
        if self._other is not None:
            await self._other.aclose()


@cache
def _loop_transport(name: LibraryName) -> Callable[..., Any]:
    """Make the transport's class for a library, whose clients open and close it as one of theirs."""
    return type("LoopTransport", (_LoopTransport, library(name).http.AsyncBaseTransport), {})
