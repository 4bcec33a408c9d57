"""Requests of an HTTP library as calls of a client."""

from collections.abc import Mapping
from typing import Any

from .._call.call import Call
from .._client.time_limits import timeouts
from .._exchange.redirects import FOLLOW_REDIRECTS
from .._libraries import httpx
from .._params.omit import ADMIN_PATHS, omit
from .bodies import describe_body
from .paths import apart, path_of

RETRIES = "ai_client.retries"
"""The extension of a request that says how often its call may be retried."""
STREAMED = "ai_client.streamed"
"""The extension of a request whose answer is read piece by piece; true."""
_OF_THE_HOP = frozenset(
    {
        "host",
        "connection",
        "keep-alive",
        "content-length",
        "transfer-encoding",
        "te",
        "upgrade",
        "proxy-connection",
    }
)
_USUAL = frozenset({("accept", "application/json"), ("content-type", "application/json")})
_OF_THE_LIBRARY = frozenset({("accept", "*/*")})
_KEYS = frozenset({"authorization", "api-key"})
_READABLE = frozenset({"gzip", "deflate", "identity"})
_STAINLESS = "x-stainless-"
_RAW = "x-stainless-raw-response"
_EVENTS = "text/event-stream"


class Manner:
    """How those who send requests speak, and what of it is passed on.

    Args:
        ignored: Headers that say nothing of the request: names in lower case, and values.
        has_placeholder: Whether they authorize requests by a placeholder among *ignored*: any other authorization
            is then the user's and goes in place of the client's, and none at all means that there shall be none.
            Otherwise their authorization counts at other origins only.
        follows: Whether redirects are followed below them.
    """

    def __init__(
        self,
        ignored: frozenset[tuple[str, str]] = frozenset(),
        *,
        has_placeholder: bool = False,
        follows: bool = False,
    ) -> None:
        self.ignored = ignored | _USUAL if has_placeholder else ignored | _USUAL | _OF_THE_LIBRARY
        self.has_placeholder = has_placeholder
        self.follows = follows


def call_of(client: Any, http: Any, request: "httpx.Request", manner: Manner) -> Call:
    """Describe a request as a call of *client*.

    Args:
        client: The client.
        http: The HTTP library of the request.
        request: The request.
        manner: How it was made.

    Returns:
        A call whose answer is a stream of events where its body asks for that, or the one who sends it; left unread
        where the official SDK's header says that it is read piece by piece; and whole otherwise.
    """
    call = Call(client.io, request.method, "", object)
    describe_body(call, http, request, reads=bool(client._layers))
    call.path = path_of(client, request.url, call)
    call.admin = call.path.startswith(ADMIN_PATHS)
    away = "://" in call.path and client.leads_away(call)
    headers = request.headers
    call.headers = _passed_on(headers, manner, away=away) or None
    if client._custom_query and not away:
        call.path, call.query = apart(call.path)
    extensions = request.extensions
    call.follow_redirects = extensions.get(FOLLOW_REDIRECTS) if manner.follows else False
    call.max_retries = extensions.get(RETRIES)
    limits = extensions.get("timeout")
    if limits is not None:
        usual = timeouts(client.timeout)
        if limits != usual:
            call.timeout = _timeout(client, {**usual, **limits})
    if call.stream is None:
        call.unread = headers.get(_RAW) == "stream"
        if not call.unread and (extensions.get(STREAMED) or _EVENTS in headers.get("accept", "")):
            call.stream = object
    return call


def _passed_on(headers: "httpx.Headers", manner: Manner, *, away: bool) -> dict[str, Any]:
    """Return the headers that the call brings; the client has the others, and its key."""
    ignored, has_placeholder = manner.ignored, manner.has_placeholder
    kept: dict[str, Any] = {}
    has_key = False
    for raw, value in headers.items():
        name = raw.lower()
        if name in _KEYS:
            has_key = True
            if not (has_placeholder or away):
                continue
        if (name, value) in ignored or name in _OF_THE_HOP or name.startswith(_STAINLESS):
            continue
        if name == "accept-encoding" and not _is_readable(value):
            continue
        kept[name] = value
    if has_placeholder and not has_key:
        kept.update(dict.fromkeys(_KEYS, omit))
    return kept


def _is_readable(codings: str) -> bool:
    """Return whether everything that is asked for can be decoded here, and is not what is always asked for."""
    asked = {coding.partition(";")[0].strip().lower() for coding in codings.split(",")}
    return asked <= _READABLE and asked != {"gzip", "deflate"}


def _timeout(client: Any, limits: Mapping[str, float | None]) -> Any:
    values = set(limits.values())
    return values.pop() if len(values) == 1 else client._library.http.Timeout(**limits)
