"""aiohttp below an awaitable httpx client."""

from collections.abc import AsyncIterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._http import library
from .config import DEFAULT_KEEPALIVE_EXPIRY, DEFAULT_MAX_CONNECTIONS

_http = library("httpx").http

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncBaseTransport, AsyncByteStream
else:
    AsyncBaseTransport, AsyncByteStream = _http.AsyncBaseTransport, _http.AsyncByteStream

_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def _aiohttp() -> Any:
    try:
        return import_module("aiohttp")
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ImportError(
            'aiohttp is not installed: pip install "ai-client[aiohttp]"', name="aiohttp"
        ) from error


class AioHttpTransport(AsyncBaseTransport):
    """Sends requests through one aiohttp session, made in the loop of the first request."""

    def __init__(self) -> None:
        self._aiohttp = _aiohttp()
        self._session: Any = None

    def _open(self) -> Any:
        if self._session is None:
            aiohttp = self._aiohttp
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=DEFAULT_MAX_CONNECTIONS, keepalive_timeout=DEFAULT_KEEPALIVE_EXPIRY
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=True,
            )
        return self._session

    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        """Send a request; return when the head of its answer is there."""
        aiohttp = self._aiohttp
        limits = request.extensions.get("timeout", {})
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=limits.get("pool"),
            sock_connect=limits.get("connect"),
            sock_read=limits.get("read"),
        )
        body: Any = request.content if isinstance(request.stream, _http.ByteStream) else request.stream
        url = import_module("yarl").URL(str(request.url), encoded=True)
        try:
            answer = await self._open().request(
                request.method,
                url,
                headers=[
                    (name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw
                ],
                data=body or None,
                timeout=timeout,
                allow_redirects=False,
                skip_auto_headers=_OURS,
            )
        except Exception as error:
            raise self._mapped(error, request) from error
        version = f"HTTP/{answer.version.major}.{answer.version.minor}".encode()
        response: httpx.Response = _http.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, self, request),
            extensions={"http_version": version, "reason_phrase": (answer.reason or "").encode()},
        )
        return response

    def _mapped(self, error: Exception, request: "httpx.Request") -> Exception:
        aiohttp = self._aiohttp
        kinds: tuple[tuple[Any, Any], ...] = (
            (aiohttp.ConnectionTimeoutError, _http.ConnectTimeout),
            (TimeoutError, _http.ReadTimeout),
            (aiohttp.ClientConnectorError, _http.ConnectError),
            (aiohttp.ServerDisconnectedError, _http.RemoteProtocolError),
            (aiohttp.ClientPayloadError, _http.RemoteProtocolError),
            (aiohttp.ClientResponseError, _http.RemoteProtocolError),
            ((aiohttp.ClientError, OSError), _http.NetworkError),
        )
        for theirs, ours in kinds:
            if isinstance(error, theirs):
                mapped: Exception = ours(type(error).__name__, request=request)
                return mapped
        return error

    async def aclose(self) -> None:
        """Close the session and its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Body(AsyncByteStream):
    def __init__(self, answer: Any, transport: AioHttpTransport, request: "httpx.Request") -> None:
        self._answer = answer
        self._transport = transport
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except Exception as error:
            raise self._transport._mapped(error, self._request) from error

    async def aclose(self) -> None:
        self._answer.close()
