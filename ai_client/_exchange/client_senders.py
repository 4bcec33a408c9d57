"""Exchanges through an HTTP client that the user gave."""

from typing import TYPE_CHECKING, Any

from .._libraries import httpx
from .._pool.connection_log import is_wanted
from .._pool.message import Message
from .._pool.permits import PoolStats, added_up
from .answer import Answer
from .base_sender import BaseSender
from .call_request import CallRequest
from .hurry import hurry
from .origins import OTHER_ORIGIN
from .redirects import FOLLOW_REDIRECTS, REDIRECTS
from .trace_log import AsyncTraceLog, TraceLog

if TYPE_CHECKING:
    from .._http.library import Library


class _OverClient(BaseSender):
    def __init__(self, client: Any, library: "Library", owner: str = "a client") -> None:
        super().__init__(library)
        self.owner = owner
        self.client = client
        self._wrong: tuple[type[Exception], ...] = (self._malformed, *self._no_address)

    @property
    def is_closed(self) -> bool:
        return bool(self.client.is_closed)

    def stats(self) -> PoolStats | None:
        """Count the connections, where all transports of the user's client are ours."""
        mounted = getattr(self.client, "_mounts", {}).values()
        transports = [getattr(self.client, "_transport", None), *filter(None, mounted)]
        counters = [getattr(transport, "stats", None) for transport in transports]
        if not all(map(callable, counters)):
            return None
        return added_up([counter() for counter in counters if counter is not None])

    @property
    def state(self) -> object:
        """State that `headers` depends on, for comparison."""
        return self.client.headers.raw

    @property
    def headers(self) -> dict[str, str]:
        """Default headers of the user's HTTP client."""
        return dict(self.client.headers.items())

    @property
    def _most_hops(self) -> int:
        return int(self.client.max_redirects)

    def _follows(self, request: "httpx.Request") -> bool:
        wanted = request.extensions.get(FOLLOW_REDIRECTS)
        return bool(self.client.follow_redirects) if wanted is None else bool(wanted)

    def build(
        self,
        method: str,
        url: "httpx.URL | str",
        headers: Any,
        extensions: dict[str, Any],
        content: Any,
    ) -> CallRequest:
        if not self._adds_to(extensions):
            return super().build(method, url, headers, extensions, content)
        return CallRequest.of(
            self.client.build_request(method, url, headers=headers, extensions=extensions, content=content)
        )

    def usual(self, message: Message, url: "httpx.URL", extensions: dict[str, Any]) -> CallRequest:
        if not self._adds_to(extensions):
            return super().usual(message, url, extensions)
        extensions["timeout"] = dict(message.timeouts)
        return self.build(message.method, url, message.headers[:-1], extensions, message.content)

    def _adds_to(self, extensions: dict[str, Any]) -> bool:
        """Return whether the client adds cookies or parameters of its own; another origin gets none."""
        client = self.client
        return OTHER_ORIGIN not in extensions and bool(client.params or client.cookies.jar)

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

    def _log(self, request: "httpx.Request", kind: type[TraceLog]) -> None:
        request.extensions["trace"] = kind(self.owner, request, request.extensions.get("trace"))

    def _untie(self, answer: Answer) -> None:
        """Take the used-up stream from an answer that was read.

        It refers back to the answer, so that both, and the request, would wait for the garbage collector.
        """
        answer.body = self._bytes(b"")


class ClientSender(_OverClient):
    """Exchanges through the user's sync HTTP client: its hooks, mounts, authentication and cookies apply."""

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        answer = self._hop(request, **self._auth(request.request))
        hops = 0
        try:
            while answer.status_code in REDIRECTS and (following := self._next(answer, request, hops)):
                answer.close()
                request, hops = following, hops + 1
                answer = self._hop(request, auth=None)
            answer.limit_decoding()
            if not stream:
                answer.read()
                self._untie(answer)
        except BaseException:
            answer.close()
            raise
        return answer

    def _hop(self, asked: CallRequest, **options: Any) -> Answer:
        request = asked.request
        deadline = self._hasten(request)
        if is_wanted():
            self._log(request, TraceLog)
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
        return Answer.of(response)

    def close(self) -> None:
        """Close the user's client, as the official SDK does, unless it is kept."""
        if not self.is_kept:
            self.client.close()


class AsyncClientSender(_OverClient):
    """Exchanges through the user's async HTTP client: its hooks, mounts, authentication and cookies apply."""

    async def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer:
        """Perform one exchange; the body is read unless *stream*."""
        answer = await self._hop(request, **self._auth(request.request))
        hops = 0
        try:
            while answer.status_code in REDIRECTS and (following := self._next(answer, request, hops)):
                await answer.aclose()
                request, hops = following, hops + 1
                answer = await self._hop(request, auth=None)
            answer.limit_decoding()
            if not stream:
                await answer.aread()
                self._untie(answer)
        except BaseException:
            await answer.aclose()
            raise
        return answer

    async def _hop(self, asked: CallRequest, **options: Any) -> Answer:
        request = asked.request
        if is_wanted():
            self._log(request, AsyncTraceLog)
        try:
            response: httpx.Response = await self.client.send(
                request, stream=True, follow_redirects=False, **options
            )
        except self._wrong as error:
            if (wrong := self._read_wrong(error, request)) is None:
                raise
            raise wrong from error
        return Answer.of(response)

    async def aclose(self) -> None:
        """Close the user's client, as the official SDK does, unless it is kept."""
        if not self.is_kept:
            await self.client.aclose()
