"""aiohttp below an awaitable httpx client."""

from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._defaults import DEFAULT_KEEPALIVE_EXPIRY, DEFAULT_MAX_CONNECTIONS
from ._http import library
from ._pool.proxy import Proxies

_http = library("httpx").http

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncBaseTransport, AsyncByteStream
else:
    AsyncBaseTransport, AsyncByteStream = _http.AsyncBaseTransport, _http.AsyncByteStream

_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_PORTS = {"http": 80, "https": 443}


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
        self._url: Any = import_module("yarl").URL
        self._proxies = Proxies(None, trust_env=True)
        self._session: Any = None
        self._timeout: tuple[Any, Any] = (None, None)  # the last one and what it was made of

    def _open(self) -> Any:
        if self._session is None:
            aiohttp = self._aiohttp
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=DEFAULT_MAX_CONNECTIONS, keepalive_timeout=DEFAULT_KEEPALIVE_EXPIRY
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        """Send a request; return when the head of its answer is there."""
        body: Any = request.content if isinstance(request.stream, _http.ByteStream) else request.stream
        proxy = self._proxy(request.url)
        try:
            answer = await self._open().request(
                request.method,
                self._url(str(request.url), encoded=True),
                headers=[
                    (name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw
                ],
                data=body or None,
                timeout=self._limits(request.extensions.get("timeout") or {}),
                allow_redirects=False,
                skip_auto_headers=_OURS,
                proxy=proxy,
            )
        except Exception as error:
            raise self._mapped(error, request) from error
        version = answer.version
        content = answer.content
        whole = content.is_eof() and content.exception() is None
        response: httpx.Response = _http.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_http.ByteStream(content.read_nowait()) if whole else _Body(answer, self, request),
            extensions={
                "http_version": b"HTTP/%d.%d" % (version.major, version.minor),
                "reason_phrase": (answer.reason or "").encode(),
            },
        )
        return response

    def _limits(self, limits: "Mapping[str, float | None]") -> Any:
        """Give aiohttp's form of the HTTP library's timeouts, which are nearly always those of the last request."""
        if limits != self._timeout[0]:
            self._timeout = (
                dict(limits),
                self._aiohttp.ClientTimeout(
                    total=None,
                    connect=limits.get("pool"),
                    sock_connect=limits.get("connect"),
                    sock_read=limits.get("read"),
                ),
            )
        return self._timeout[1]

    def _proxy(self, url: "httpx.URL") -> Any:
        """Give the proxy to an address, if any; left to itself, aiohttp reads the environment for each request."""
        proxy = self._proxies.find(url.scheme, url.host, url.port or _PORTS[url.scheme])
        if proxy is None:
            return None
        if proxy.scheme not in _PORTS:
            raise _http.UnsupportedProtocol("aiohttp speaks to http and https proxies, not to SOCKS ones.")
        return self._url.build(
            scheme=proxy.scheme,
            user=proxy.user,
            password=proxy.password or None,
            host=proxy.host,
            port=proxy.port,
        )

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
