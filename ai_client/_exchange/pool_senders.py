"""Exchanges over a pool of ours, or a transport of the HTTP library."""

import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._libraries import httpx
from .._pool.permits import PoolStats
from .answer import Answer
from .base_sender import BaseSender
from .call_request import CallRequest
from .hurry import hurry
from .redirects import FOLLOW_REDIRECTS, REDIRECTS

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

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        start = time.perf_counter()
        answer = self._hop(request)
        hops = 0
        try:
            while answer.status_code in REDIRECTS and (following := self._next(answer, request, hops)):
                answer.close()
                request, hops = following, hops + 1
                answer = self._hop(request)
            if stream or answer.made is not None:
                answer.limit_decoding()
            if not (stream or answer.read_at_hand()):
                answer.read()
        except BaseException:
            answer.close()
            raise
        answer.seconds = time.perf_counter() - start
        if answer.made is not None:
            answer.made.elapsed = timedelta(seconds=answer.seconds)
        return answer

    def _hop(self, request: CallRequest) -> Answer:
        sent = request.request
        deadline = self._hasten(sent)
        response = self._transport.handle_request(sent)
        response.request = sent
        if deadline is not None:
            hurry(response, deadline, self.timeouts[0])
        return Answer.of(response)

    def close(self) -> None:
        """Close every connection."""
        self.is_closed = True
        if not self.is_kept:
            self._transport.close()


class PoolSender(TransportSender):
    """Exchanges over a sync pool."""

    def __init__(self, pool: "SyncPool", library: "Library") -> None:
        super().__init__(pool, library)
        self.pool = pool

    def stats(self) -> PoolStats:
        """Count the connections."""
        return self.pool.stats()

    def _hop(self, request: CallRequest) -> Answer:
        received = self.pool.send(request.sent(self._library))  # which minds the deadline itself
        return Answer(request, received, self._library)


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

    async def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        start = time.perf_counter()
        answer = self._answer(request, await self._send(request))
        hops = 0
        try:
            while answer.status_code in REDIRECTS and (following := self._next(answer, request, hops)):
                await answer.aclose()
                request, hops = following, hops + 1
                answer = self._answer(request, await self._send(request))
            if stream or answer.made is not None:
                answer.limit_decoding()
            if not (stream or answer.read_at_hand()):
                await answer.aread()
        except BaseException:
            await answer.aclose()
            raise
        answer.seconds = time.perf_counter() - start
        if answer.made is not None:
            answer.made.elapsed = timedelta(seconds=answer.seconds)
        return answer

    def _send(self, request: CallRequest) -> Coroutine[Any, Any, Any]:
        return self._transport.handle_async_request(request.request)

    def _answer(self, request: CallRequest, received: Any) -> Answer:
        received.request = request.request
        return Answer.of(received)

    async def aclose(self) -> None:
        """Close every connection."""
        self.is_closed = True
        if not self.is_kept:
            await self._transport.aclose()


class AsyncPoolSender(AsyncTransportSender):
    """Exchanges over an async pool."""

    def __init__(self, pool: "AsyncPool", library: "Library") -> None:
        super().__init__(pool, library)
        self.pool = pool

    def stats(self) -> PoolStats:
        """Count the connections."""
        return self.pool.stats()

    def _send(self, request: CallRequest) -> Coroutine[Any, Any, Any]:
        return self.pool.send(request.sent(self._library))

    def _answer(self, request: CallRequest, received: Any) -> Answer:
        return Answer(request, received, self._library)


class AsyncPoolHop(AsyncPoolSender):
    """Single exchanges over an async pool, for an HTTP client that follows redirects by itself."""

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return False
