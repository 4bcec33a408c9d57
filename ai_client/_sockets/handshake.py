"""How a WebSocket is opened: address and credentials of a client, redirects within its origin, refusals as errors."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._answers.result import body_of
from .._call.call import Call
from .._exchange.answer import Answer
from .._io.deadline import is_over
from .._libraries import httpx
from .._params.omit import Omit
from .._params.query import merge, query_string
from ..errors import (
    APIConnectionError,
    APITimeoutError,
    DeadlineExceededError,
    WebSocketRedirectError,
    status_error,
)
from .socket import AsyncSocket, Socket, SyncSocket, websockets
from .ways import begun, on_the_way, said_of

if TYPE_CHECKING:
    from .client import SessionClient

_SCHEMES = {"http": "ws", "https": "wss"}
_PORTS = {"ws": 80, "wss": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_OPEN_SECONDS = 10.0


class _AnsweredError(Exception):
    """An answer that is no WebSocket's, kept from the websockets package, which would follow it anywhere."""

    def __init__(self, response: Any) -> None:
        super().__init__("The server answered in plain HTTP.")
        self.response = response


async def open_socket(
    client: "SessionClient",
    call: Call,
    query: Mapping[str, object],
    headers: Mapping[str, str | Omit],
    options: Mapping[str, Any],
) -> "tuple[Socket, httpx.Response]":
    """Open a WebSocket below the client's address; return it and the server's answer.

    Args:
        client: Whose address and credentials are used.
        call: Its path and its deadline, which bounds the opening.
        query: Of the address, over the client's.
        headers: Over the client's.
        options: Keywords for the websockets package's `connect`.

    Raises:
        ImportError: The extra `realtime` is not installed.
        APIError: It was not opened: the server refused, could not be reached, or sends it to another origin.
    """
    sync, http = client.io.sync, client._library.http
    module, errors = websockets(sync)
    settings: dict[str, Any] = {
        "max_size": client._bounds.event,
        "compression": None,
        "user_agent_header": None,
        **options,
    }
    sent = await _headers(client, call, headers)
    sent.update(settings.pop("additional_headers", None) or {})
    make: Any = settings.pop("create_connection", None) or module.ClientConnection
    make = (_make_sync if sync else _make_async)(make, errors)
    where = address(client, call.path, query)
    request = _request_of(client, where, sent)
    keywords: dict[str, Any] = {}
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            timed = settings if call.deadline is None else _in_time(settings, call.deadline)
            timed = await on_the_way(client, http.URL(where), timed, call.deadline)
            keywords = {**timed, "additional_headers": sent, "create_connection": make}
            opening = begun(module.connect, where, keywords)
            opened: Any = opening.__enter__() if sync else await opening
        except _AnsweredError as answered:
            where = _next(client, where, answered.response, request)
            request = _request_of(client, where, sent)
        except TimeoutError as error:
            if is_over(call.deadline):
                raise DeadlineExceededError(request) from error
            raise APITimeoutError(request, message="The WebSocket was not opened in time.") from error
        except (errors.WebSocketException, http.TransportError, OSError, EOFError) as error:
            message = f"Connection error: the WebSocket was not opened ({type(error).__name__})."
            raise APIConnectionError(
                message=f"{message} {said_of(error)}".rstrip(), request=request
            ) from error
        else:
            response = _response_of(client, opened.response, request)
            return (SyncSocket if sync else AsyncSocket)(opened, errors), response
    raise APIConnectionError(message=f"More than {_MAX_REDIRECTS} redirects.", request=request)


def _in_time(settings: dict[str, Any], deadline: float) -> dict[str, Any]:
    """Bound what opening may take by the deadline of the call."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    given = settings.get("open_timeout", _OPEN_SECONDS)
    return {**settings, "open_timeout": left if given is None else min(given, left)}


def _make_sync(make: Any, errors: Any) -> Any:
    """Make a sync connection raise for an answer that is no WebSocket handshake."""

    def made(*args: Any, **kwargs: Any) -> Any:
        connection = make(*args, **kwargs)
        plain = connection.handshake

        def handshake(*args: Any, **kwargs: Any) -> Any:
            del connection.handshake
            try:
                return plain(*args, **kwargs)
            except errors.InvalidStatus as error:
                raise _AnsweredError(error.response) from None

        connection.handshake = handshake
        return connection

    return made


def _make_async(make: Any, errors: Any) -> Any:
    """Do the same with an async one."""

    def made(*args: Any, **kwargs: Any) -> Any:
        connection = make(*args, **kwargs)
        plain = connection.handshake

        async def handshake(*args: Any, **kwargs: Any) -> Any:
            del connection.handshake
            try:
                return await plain(*args, **kwargs)
            except errors.InvalidStatus as error:
                raise _AnsweredError(error.response) from None

        connection.handshake = handshake
        return connection

    return made


def _next(client: "SessionClient", where: str, answer: Any, request: "httpx.Request") -> str:
    """Return where a redirect leads within the origin.

    Raises:
        WebSocketRedirectError: It leads to another origin.
        APIStatusError: The answer is no redirect.
    """
    location = answer.headers.get("Location") if answer.status_code in _REDIRECTS else None
    if not location:
        response = _response_of(client, answer, request)
        raise status_error(response, body_of(Answer.of(response)))
    url: Any = client._library.http.URL
    here = there = url(where)
    try:
        there = here.join(location)
        scheme = _SCHEMES.get(there.scheme, there.scheme)
        there = there.copy_with(scheme=scheme, userinfo=here.userinfo)
        same, named = _origin(there) == _origin(here), f"{there.scheme}://{there.host}"
    except (client._library.http.InvalidURL, ValueError):
        same, named = False, "an address that is none"
    if not same:
        raise WebSocketRedirectError(
            message=f"The server redirects the WebSocket to another origin ({named}), which gets no credentials of this"
            " client. If it is right, give it as websocket_base_url.",
            request=request,
        )
    return str(there)


def _origin(url: "httpx.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def _request_of(client: "SessionClient", where: str, headers: dict[str, str]) -> "httpx.Request":
    http = client._library.http
    request: httpx.Request = http.Request("GET", http.URL(where).copy_with(userinfo=b""), headers=headers)
    return request


def _response_of(client: "SessionClient", answer: Any, request: "httpx.Request") -> "httpx.Response":
    http = client._library.http
    headers = list(answer.headers.raw_items())
    response: httpx.Response
    try:
        response = http.Response(
            answer.status_code, headers=headers, content=bytes(answer.body or b""), request=request
        )
    except http.DecodingError:
        response = http.Response(answer.status_code, content=b"", request=request)
    return response


def address(client: "SessionClient", path: str, query: Mapping[str, object]) -> str:
    """Return the WebSocket address of a path below the client's `websocket_base_url` or `base_url`."""
    base = client._library.http.URL(client.websocket_base_url or client.base_url)
    there, query = client._socket_address(base, path, query)
    merged = merge(client.default_query, query) or {}
    url = there.copy_with(scheme=_SCHEMES.get(there.scheme, there.scheme), query=None)
    encoded = "&".join(filter(None, (there.query.decode("ascii"), query_string(merged))))
    return f"{url}?{encoded}" if encoded else str(url)


async def _headers(client: "SessionClient", call: Call, extra: Mapping[str, str | Omit]) -> dict[str, str]:
    header = await client._fetch_key(call) if client._fetches_key else client._authorization(call)
    merged: dict[str, tuple[str, str | Omit]] = {}
    for part in (dict([header]) if header else {}, client.default_headers, extra):
        for name, value in part.items():
            merged[name.lower()] = (name, value)
    return {name: value for name, value in merged.values() if isinstance(value, str)}
