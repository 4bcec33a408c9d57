"""Exchanges through an HTTP client that the user gave."""

from typing import TYPE_CHECKING, Any

from .._libraries import httpx
from .base_sender import BaseSender
from .bounds import aread, limit_decoding, read
from .hurry import hurry
from .origins import OTHER_ORIGIN
from .redirects import FOLLOW_REDIRECTS

if TYPE_CHECKING:
    from .._http.library import Library


class _OverClient(BaseSender):
    def __init__(self, client: Any, library: "Library") -> None:
        super().__init__(library)
        self.client = client
        self._wrong: tuple[type[Exception], ...] = (self._malformed, *self._no_address)

    @property
    def is_closed(self) -> bool:
        return bool(self.client.is_closed)

    @property
    def state(self) -> object:
        """State that `headers` depends on, for comparison."""
        return self.client.headers.raw

    @property
    def headers(self) -> dict[str, str]:
        """Default headers of the user's HTTP client."""
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
    """Exchanges through the user's sync HTTP client: its hooks, mounts, authentication and cookies apply."""

    def exchange(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        response = self._hop(request, **self._auth(request))
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                response.close()
                request, hops = following, hops + 1
                response = self._hop(request, auth=None)
            if "content-encoding" in response.headers:
                limit_decoding(response)
            if not stream:
                read(response)
                self._untie(response)
        except BaseException:
            response.close()
            raise
        return response

    def _hop(self, request: "httpx.Request", **options: Any) -> "httpx.Response":
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
    """Exchanges through the user's async HTTP client: its hooks, mounts, authentication and cookies apply."""

    async def exchange(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response":
        """Perform one exchange; the body is read unless *stream*."""
        response = await self._hop(request, **self._auth(request))
        hops = 0
        try:
            while (following := self._next(response, request, hops)) is not None:
                await response.aclose()
                request, hops = following, hops + 1
                response = await self._hop(request, auth=None)
            if "content-encoding" in response.headers:
                limit_decoding(response)
            if not stream:
                await aread(response)
                self._untie(response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def _hop(self, request: "httpx.Request", **options: Any) -> "httpx.Response":
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
