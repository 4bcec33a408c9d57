"""Exchanges over a pool of ours, or a transport of the HTTP library."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from .._libraries import httpx
from .base_sender import BaseSender
from .bounds import aread, limit_decoding, read
from .hurry import hurry
from .redirects import FOLLOW_REDIRECTS

if TYPE_CHECKING:
    from .._http.library import Library
    from .._pool.async_pool import AsyncPool
    from .._pool.sync_pool import SyncPool


class OverTransport(BaseSender):
    """Base of senders over a pool or a transport."""

    # What every HTTP library can decode without further packages.
    state: object = None
    headers: dict[str, str] = {"Accept-Encoding": "gzip, deflate"}  # noqa: RUF012 - read only

    def __init__(self, library: "Library") -> None:
        super().__init__(library)
        self.is_closed = False

    def _follows(self, request: "httpx.Request") -> bool:
        return request.extensions.get(FOLLOW_REDIRECTS) is not False


class TransportSender(OverTransport):
    """Exchanges over a sync transport of the HTTP library."""

    def __init__(self, transport: "SyncPool | httpx.BaseTransport", library: "Library") -> None:
        super().__init__(library)
        self._transport = transport

    def exchange(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        start = time.perf_counter()
        response = self._hop(request)
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                response.close()
                request, hops = following, hops + 1
                response = self._hop(request)
            if "content-encoding" in response.headers:
                limit_decoding(response)
            if not stream:
                read(response)
        except BaseException:
            response.close()
            raise
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        return response

    def _hop(self, request: "httpx.Request") -> "httpx.Response":
        deadline = self._hasten(request)
        response = self._transport.handle_request(request)
        response.request = request
        if deadline is not None:
            hurry(response, deadline, self.timeouts[0])
        return response

    def close(self) -> None:
        """Close every connection."""
        self.is_closed = True
        self._transport.close()


class PoolSender(TransportSender):
    """Exchanges over a sync pool."""

    def __init__(self, pool: "SyncPool", library: "Library") -> None:
        super().__init__(pool, library)
        self.pool = pool

    def _hop(self, request: "httpx.Request") -> "httpx.Response":
        response = self._transport.handle_request(request)  # which minds the deadline itself
        response.request = request
        return response


class PoolHop(PoolSender):
    """Single exchanges over a sync pool, for an HTTP client that follows redirects by itself."""

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return False


class AsyncTransportSender(OverTransport):
    """Exchanges over an async transport of the HTTP library."""

    def __init__(self, transport: "AsyncPool | httpx.AsyncBaseTransport", library: "Library") -> None:
        super().__init__(library)
        self._transport = transport

    async def exchange(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        start = time.perf_counter()
        response = await self._hop(request)
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                await response.aclose()
                request, hops = following, hops + 1
                response = await self._hop(request)
            if "content-encoding" in response.headers:
                limit_decoding(response)
            if not stream:
                if isinstance(response.stream, self._bytes):  # at hand, with nothing to wait for
                    read(response)
                else:
                    await aread(response)
        except BaseException:
            await response.aclose()
            raise
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        return response

    async def _hop(self, request: "httpx.Request") -> "httpx.Response":
        response = await self._transport.handle_async_request(request)
        response.request = request
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        self.is_closed = True
        await self._transport.aclose()


class AsyncPoolSender(AsyncTransportSender):
    """Exchanges over an async pool."""

    def __init__(self, pool: "AsyncPool", library: "Library") -> None:
        super().__init__(pool, library)
        self.pool = pool


class AsyncPoolHop(AsyncPoolSender):
    """Single exchanges over an async pool, for an HTTP client that follows redirects by itself."""

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return False
