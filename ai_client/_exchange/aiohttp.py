"""aiohttp below an async httpx client."""

import asyncio
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Mapping
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._fork import PerProcess
from .._http.library import library
from .._http.options import PoolOptions
from .._libraries import httpx
from .._pool.proxy import Proxy
from .._pool.sockets import readable
from .._pool.transport_ends import bury
from .loops import begin_on, finish_from_here

_http = library("httpx").http

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport, AsyncByteStream
else:
    AsyncBaseTransport, AsyncByteStream = _http.AsyncBaseTransport, _http.AsyncByteStream

_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_SCHEMES = frozenset({"http", "https"})
_SWITCHING = 101


def _aiohttp() -> Any:
    try:
        return import_module("aiohttp")
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ImportError(
            'aiohttp is not installed: pip install "ai-client[aiohttp]"', name="aiohttp"
        ) from error


@cache
def _connector_class(aiohttp: Any) -> Any:
    """Return a connector that closes idle connections on which something arrived, and notices those that break off.

    aiohttp would take what arrived for the next answer, and a connection that was reset for the end of a body that
    ends with its connection.
    """
    plain: Any = aiohttp.TCPConnector
    protocol: Any = import_module("aiohttp.client_proto").ResponseHandler

    def connection_lost(self: Any, error: BaseException | None) -> None:
        payload = self._payload
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError("The connection broke off."), error)
        protocol.connection_lost(self, error)

    breaking: Any = type("Protocol", (protocol,), {"connection_lost": connection_lost})

    def __init__(self: Any, **options: Any) -> None:  # noqa: N807 - of the class that is made below
        plain.__init__(self, **options)
        self._factory = partial(breaking, loop=self._loop)

    async def _get(self: Any, key: Any, traces: Any) -> Any:
        idle = self._conns.get(key)
        while idle and not _is_quiet(idle[0][0]):
            protocol, _ = idle.popleft()
            protocol.close()
        return await plain._get(self, key, traces)

    return type("Connector", (plain,), {"__init__": __init__, "_get": _get})


def _is_quiet(protocol: Any) -> bool:
    """Return whether an idle connection is open, and the server has said nothing since the last answer."""
    transport = protocol.transport
    if transport is None or protocol.should_close:
        return False
    connection = transport.get_extra_info("socket")
    return connection is None or not readable(connection.fileno())


class AioHttpTransport(AsyncBaseTransport):
    """Sends requests through an aiohttp session for each event loop that it is used in.

    Args:
        options: As of a pool of ours; `max_idle` counts only where it is 0.
    """

    def __init__(self, options: PoolOptions) -> None:
        self._aiohttp = _aiohttp()
        self._url: Any = import_module("yarl").URL
        self._options = options
        self._proxy = None if options.proxy is None else Proxy.parse(options.proxy)
        self._sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = PerProcess(threading.Lock)
        self._near: tuple[Any, Any] = (_no_loop, None)  # the session of the last loop
        self._timeout: tuple[Any, Any] = (None, None)  # the last one and what it was made of

    async def _open(self) -> Any:
        loop = asyncio.get_running_loop()
        loop_of, session = self._near
        if loop_of() is loop:
            return session
        with self._lock():
            session = self._sessions.get(loop)
            if session is None:
                session = self._sessions[loop] = self._new_session()
            ended = [other for other in self._sessions if other.is_closed()]
            left = [(other, self._sessions.pop(other)) for other in ended]
            self._near = weakref.ref(loop), session
        for other, its in left:
            await _end(other, its)
        return session

    def _new_session(self) -> Any:
        aiohttp, options = self._aiohttp, self._options
        kept: dict[str, Any] = {"keepalive_timeout": options.keepalive_expiry}
        if options.max_idle == 0:
            kept = {"force_close": True}
        limit = 0 if options.max_connections == sys.maxsize else options.max_connections
        return aiohttp.ClientSession(
            connector=_connector_class(aiohttp)(limit=limit, **kept),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        """Send a request; return when the head of its answer is there."""
        stream: Any = request.stream
        body = b"".join(stream) if isinstance(stream, _http.ByteStream) else stream
        way = self._way(request.url)
        session = await self._open()
        try:
            answer = await session.request(
                request.method,
                self._url(str(request.url), encoded=True),
                headers=[
                    (name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw
                ],
                data=body or None,
                timeout=self._limits(request.extensions.get("timeout") or {}),
                allow_redirects=False,
                skip_auto_headers=_OURS,
                **way,
            )
        except Exception as error:
            raise self._mapped(error, request) from error
        if answer.status == _SWITCHING:
            answer.close()
            raise _http.RemoteProtocolError("The server switched to another protocol than HTTP.")
        version = answer.version
        content = answer.content
        whole = content.is_eof() and content.exception() is None
        response: httpx.Response = _http.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_http.ByteStream(content.read_nowait()) if whole else _AiohttpBody(answer, self, request),
            extensions={
                "http_version": b"HTTP/%d.%d" % (version.major, version.minor),
                "reason_phrase": (answer.reason or "").encode(),
            },
        )
        return response

    def _limits(self, limits: Mapping[str, float | None]) -> Any:
        """Convert the HTTP library's timeouts to aiohttp's; the last conversion is cached."""
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

    def _way(self, url: "httpx.URL") -> dict[str, Any]:
        """Return aiohttp's options for an address: proxy and TLS."""
        way: dict[str, Any] = {}
        if url.scheme not in _SCHEMES:
            raise _http.UnsupportedProtocol("An address to connect to begins with http:// or https://.")
        if url.scheme == "https":
            way["ssl"] = self._options.tls()
        proxy = self._proxy
        if proxy is not None:
            if proxy.scheme not in _SCHEMES:
                raise _http.UnsupportedProtocol(
                    "aiohttp speaks to http and https proxies, not to SOCKS ones."
                )
            way["proxy"] = self._url.build(
                scheme=proxy.scheme,
                user=proxy.user,
                password=proxy.password or None,
                host=proxy.host,
                port=proxy.port,
            )
            way["proxy_headers"] = {
                name.decode("ascii"): value.decode("latin-1") for name, value in self._options.proxy_headers
            }
        return way

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
        """Close the sessions and their connections, each on its own loop."""
        with self._lock():
            sessions = list(self._sessions.items())
            self._sessions.clear()
            self._near = (_no_loop, None)
        for loop, session in sessions:
            if loop is asyncio.get_running_loop():
                await session.close()
            elif loop.is_running():
                await finish_from_here(loop, session.close)
            elif loop.is_closed():
                await _end(loop, session)
            else:
                begin_on(loop, session.close)


async def _end(loop: asyncio.AbstractEventLoop, session: Any) -> None:
    """Close the session of a closed loop with its connections, which aiohttp would leave to the garbage collector."""
    connector = session.connector
    idle = [protocol for kept in connector._conns.values() for protocol, _ in kept]
    for protocol in (*idle, *connector._acquired):
        if protocol.transport is not None:
            bury(loop, protocol.transport)
    await session.close()


def _no_loop() -> None:
    return None


class _AiohttpBody(AsyncByteStream):
    def __init__(self, answer: Any, transport: AioHttpTransport, request: "httpx.Request") -> None:
        self._answer = answer
        self._transport = transport
        self._request = request
        self._loop = asyncio.get_running_loop()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except Exception as error:
            raise self._transport._mapped(error, self._request) from error

    async def aclose(self) -> None:
        answer, loop = self._answer, self._loop
        if loop is not asyncio.get_running_loop():
            try:
                loop.call_soon_threadsafe(answer.close)
            except RuntimeError:  # it is closed, where aiohttp closes nothing any more
                connection = answer.connection
                if connection is not None:
                    if connection.transport is not None:
                        bury(loop, connection.transport)
                    connection.close()
            else:
                return
        answer.close()
