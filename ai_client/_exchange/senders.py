"""One exchange with a server: a request, redirects followed, the body read.

Two ways to do it share an interface: straight over a pool of ours, or through an HTTP client that the user gave.
"""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._http.library import DEADLINE, for_good
from .._params.sendable import address_fault
from .bounds import aread, limit_decoding, read
from .hurry import SendingGate, hurry, too_late_to_send
from .origins import OTHER_ORIGIN, for_anywhere, origin
from .redirects import _OF_THE_BODY, _REDIRECTS, _SEE_OTHER, FOLLOW_REDIRECTS, MAX_REDIRECTS

if TYPE_CHECKING:
    import httpx

    from .._http.library import Library
    from .._pool.async_pool import AwaitablePool
    from .._pool.sync_pool import BlockingPool


class _Base:
    def __init__(self, library: "Library") -> None:
        self._request: type[httpx.Request] = library.http.Request
        self._bytes: type[httpx.ByteStream] = library.http.ByteStream
        self.timeouts = (library.http.TimeoutException,)
        self.failures = (library.http.RequestError,)
        self._too_many: type[httpx.TooManyRedirects] = library.http.TooManyRedirects
        self._malformed: type[httpx.RemoteProtocolError] = library.http.RemoteProtocolError
        self._no_address: tuple[type[Exception], ...] = (library.http.InvalidURL, UnicodeError)
        self._unread: tuple[type[Exception], ...] = (library.http.InvalidURL, ValueError)

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return True

    def build(
        self,
        method: str,
        url: "httpx.URL | str",
        headers: "httpx.Headers | list[tuple[str, str]]",
        extensions: dict[str, Any],
        content: Any,
    ) -> "httpx.Request":
        """Make a request; nothing of the arguments is changed."""
        if isinstance(headers, list) or not isinstance(content, bytes):
            return self._request(method, url, headers=headers, extensions=extensions, content=content)
        # The usual case. The library would look for each header that it may have to add, and for their encoding.
        request = self._request(method, url, extensions=extensions, stream=self._bytes(content))
        request.headers = headers.copy()
        request.headers["Content-Length"] = str(len(content))
        request.read()  # for those who look at its content
        return request

    def _hasten(self, request: "httpx.Request") -> float | None:
        """Prepare a blocking exchange over another's connections for its deadline, and return that.

        Raises:
            TimeoutException: It has passed.
        """
        deadline: float | None = request.extensions.get(DEADLINE)
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise too_late_to_send(self.timeouts[0])
            limits: dict[str, float | None] = request.extensions.get("timeout") or {}
            request.extensions["timeout"] = {
                name: left if limit is None else min(limit, left) for name, limit in limits.items()
            }
            request.extensions["trace"] = SendingGate(deadline, self.timeouts[0])
        return deadline

    def _next(
        self, response: "httpx.Response", request: "httpx.Request", hops: int
    ) -> "httpx.Request | None":
        """Return the request that a redirect asks for, or `None`; another origin gets neither keys nor own headers."""
        if response.status_code not in _REDIRECTS:
            return None
        location = response.headers.get("location")
        if not location or not self._follows(request):
            return None
        if hops == MAX_REDIRECTS:
            message = f"The server redirected it more than {MAX_REDIRECTS} times."
            raise for_good(self._too_many(message, request=request))
        try:
            url = request.url.join(location)
            if address_fault(str(url.copy_with(fragment=None))) is None:
                return self._redirected(request, response.status_code, url)
        except self._unread as error:
            raise self._nowhere(request) from error
        raise self._nowhere(request)

    def _nowhere(self, request: "httpx.Request") -> Exception:
        message = "The server redirects it to what is no http or https address."
        return for_good(self._malformed(message, request=request))

    def _redirected(self, request: "httpx.Request", status: int, url: "httpx.URL") -> "httpx.Request":
        headers = request.headers.copy()
        if origin(url) != origin(request.url):
            headers = type(headers)(for_anywhere(headers))
            headers["host"] = url.netloc.decode("ascii").rpartition("@")[2]
        if url.userinfo:
            url = url.copy_with(userinfo=b"")  # nobody here gave it
        method = request.method
        if status == _SEE_OTHER or (status in {301, 302} and method == "POST"):
            method = "HEAD" if method == "HEAD" else "GET"
            for name in _OF_THE_BODY:
                headers.pop(name, None)
            return self._request(method, url, headers=headers, extensions=request.extensions)
        return self._request(
            method, url, headers=headers, extensions=request.extensions, stream=request.stream
        )


class _OverPool(_Base):
    # What every HTTP library can decode without further packages.
    state: object = None
    headers: "dict[str, str]" = {"Accept-Encoding": "gzip, deflate"}  # noqa: RUF012 - read only

    def __init__(self, library: "Library") -> None:
        super().__init__(library)
        self.is_closed = False

    def _follows(self, request: "httpx.Request") -> bool:
        return request.extensions.get(FOLLOW_REDIRECTS) is not False


class TransportSender(_OverPool):
    """Exchanges over a blocking transport of the HTTP library."""

    def __init__(self, transport: "BlockingPool | httpx.BaseTransport", library: "Library") -> None:
        super().__init__(library)
        self._transport = transport

    def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        start = time.perf_counter()
        response = self._answer(request)
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                response.close()
                request, hops = following, hops + 1
                response = self._answer(request)
            limit_decoding(response)
            if not stream:
                read(response)
        except BaseException:
            response.close()
            raise
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        return response

    def _answer(self, request: "httpx.Request") -> "httpx.Response":
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
    """Exchanges over a blocking pool."""

    def __init__(self, pool: "BlockingPool", library: "Library") -> None:
        super().__init__(pool, library)
        self.pool = pool

    def _answer(self, request: "httpx.Request") -> "httpx.Response":
        response = self._transport.handle_request(request)  # which minds the deadline itself
        response.request = request
        return response


class PoolHop(PoolSender):
    """Single exchanges over a blocking pool, for an HTTP client that follows redirects by itself."""

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return False


class AsyncTransportSender(_OverPool):
    """Exchanges over an awaitable transport of the HTTP library."""

    def __init__(self, transport: "AwaitablePool | httpx.AsyncBaseTransport", library: "Library") -> None:
        super().__init__(library)
        self._transport = transport

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        start = time.perf_counter()
        response = await self._answer(request)
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                await response.aclose()
                request, hops = following, hops + 1
                response = await self._answer(request)
            limit_decoding(response)
            if not stream:
                await aread(response)
        except BaseException:
            await response.aclose()
            raise
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        return response

    async def _answer(self, request: "httpx.Request") -> "httpx.Response":
        response = await self._transport.handle_async_request(request)
        response.request = request
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        self.is_closed = True
        await self._transport.aclose()


class AsyncPoolSender(AsyncTransportSender):
    """Exchanges over an awaitable pool."""

    def __init__(self, pool: "AwaitablePool", library: "Library") -> None:
        super().__init__(pool, library)
        self.pool = pool


class AsyncPoolHop(AsyncPoolSender):
    """Single exchanges over an awaitable pool, for an HTTP client that follows redirects by itself."""

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return False


class _OverClient(_Base):
    def __init__(self, client: Any, library: "Library") -> None:
        super().__init__(library)
        self.client = client
        self._wrong: tuple[type[Exception], ...] = (self._malformed, *self._no_address)

    @property
    def is_closed(self) -> bool:
        return bool(self.client.is_closed)

    @property
    def state(self) -> object:
        """What `headers` are made of, to compare."""
        return self.client.headers.raw

    @property
    def headers(self) -> dict[str, str]:
        """What the user's client sends where this one says nothing else."""
        return dict(self.client.headers.items())

    def _follows(self, request: "httpx.Request") -> bool:
        wanted = request.extensions.get(FOLLOW_REDIRECTS)
        return bool(self.client.follow_redirects) if wanted is None else bool(wanted)

    def build(
        self,
        method: str,
        url: "httpx.URL | str",
        headers: "httpx.Headers | list[tuple[str, str]]",
        extensions: dict[str, Any],
        content: Any,
    ) -> "httpx.Request":
        client = self.client
        if OTHER_ORIGIN in extensions:  # the client's cookies and parameters are not for it
            return super().build(method, url, headers, extensions, content)
        if client.params or client.cookies.jar:
            request: httpx.Request = client.build_request(
                method, url, headers=headers, extensions=extensions, content=content
            )
            return request
        return super().build(method, url, headers, extensions, content)

    def _auth(self, request: "httpx.Request") -> dict[str, Any]:
        """Return the argument that keeps the client's own authentication from another origin."""
        return {"auth": None} if OTHER_ORIGIN in request.extensions else {}

    def _read_wrong(self, error: Exception, request: "httpx.Request") -> Exception | None:
        """Return what to raise in place of an error of the client's on reading an address, `None` for another one.

        A client reads where a redirect leads to even where it does not follow.
        """
        if isinstance(error, self._malformed) and not isinstance(error.__context__, self._no_address):
            return None
        return self._nowhere(request)

    def _untie(self, response: "httpx.Response") -> None:
        """Take the used-up stream from an answer that was read.

        It refers back to the answer, so that both, and the request, would wait for the garbage collector.
        """
        response.stream = self._bytes(b"")


class ClientSender(_OverClient):
    """Exchanges through the user's blocking HTTP client: its hooks, mounts, authentication and cookies apply."""

    def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        response = self._answer(request, **self._auth(request))
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                response.close()
                request, hops = following, hops + 1
                response = self._answer(request, auth=None)
            limit_decoding(response)
            if not stream:
                read(response)
                self._untie(response)
        except BaseException:
            response.close()
            raise
        return response

    def _answer(self, request: "httpx.Request", **options: Any) -> "httpx.Response":
        deadline = self._hasten(request)
        try:
            response: httpx.Response = self.client.send(
                request, stream=True, follow_redirects=False, **options
            )
        except self._wrong as error:
            if (wrong := self._read_wrong(error, request)) is None:
                raise
            raise wrong from error
        if deadline is not None:
            hurry(response, deadline, self.timeouts[0])
        return response

    def close(self) -> None:
        """Close the user's client, as the official SDK does."""
        self.client.close()


class AsyncClientSender(_OverClient):
    """Exchanges through the user's awaitable HTTP client: its hooks, mounts, authentication and cookies apply."""

    async def send(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        response = await self._answer(request, **self._auth(request))
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                await response.aclose()
                request, hops = following, hops + 1
                response = await self._answer(request, auth=None)
            limit_decoding(response)
            if not stream:
                await aread(response)
                self._untie(response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def _answer(self, request: "httpx.Request", **options: Any) -> "httpx.Response":
        try:
            response: httpx.Response = await self.client.send(
                request, stream=True, follow_redirects=False, **options
            )
        except self._wrong as error:
            if (wrong := self._read_wrong(error, request)) is None:
                raise
            raise wrong from error
        return response

    async def aclose(self) -> None:
        """Close the user's client, as the official SDK does."""
        await self.client.aclose()
