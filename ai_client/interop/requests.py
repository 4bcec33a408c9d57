"""Requests of an HTTP library as calls of a client."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import from_json

from .._call.call import Call
from .._client.time_limits import timeouts
from .._libraries import httpx
from .._params.files import RequestBody
from .._params.omit import ADMIN_PATHS

RETRIES = "ai_client.retries"
"""The extension of a request that says how often its call may be retried."""
_OF_THE_HOP = frozenset(
    {
        "host",
        "connection",
        "keep-alive",
        "accept-encoding",
        "content-length",
        "transfer-encoding",
        "te",
        "upgrade",
    }
)
_USUAL = frozenset({("accept", "application/json"), ("accept", "*/*"), ("content-type", "application/json")})
_STAINLESS = "x-stainless-"
_RAW = "x-stainless-raw-response"


class Manner:
    """The headers with which a library speaks of itself; they are not passed on.

    Args:
        headers: Names in lower case, and values.
        takes_key: Whether an authorization of its own replaces the client's key.
    """

    def __init__(self, headers: frozenset[tuple[str, str]] = frozenset(), *, takes_key: bool = False) -> None:
        self.ignored = headers | _USUAL
        self.takes_key = takes_key


def call_of(client: Any, request: "httpx.Request", manner: Manner) -> Call:
    """Describe a request as a call of *client*.

    Returns:
        A call whose answer is streamed where the body or the SDK asks for that, and whole otherwise.
    """
    call = Call(client.io, request.method, _path(client, request.url), object)
    headers = request.headers
    raw_view = headers.get(_RAW)
    call.headers = _passed_on(headers, manner, away="://" in call.path and client.leads_away(call)) or None
    call.admin = call.path.startswith(ADMIN_PATHS)
    call.follow_redirects = request.extensions.get("ai_client.follow_redirects")
    call.max_retries = request.extensions.get(RETRIES)
    limits = request.extensions.get("timeout")
    if limits is not None and limits != timeouts(client.timeout):
        call.timeout = _timeout(client, limits)
    _describe_body(call, request, reads_body=bool(client._layers))
    call.unread = raw_view == "stream" and call.stream is None
    return call


def _path(client: Any, url: "httpx.URL") -> str:
    """Return the path below the client's address, or the whole address where it is elsewhere."""
    base = client._base_url
    if (url.raw_scheme, url.raw_host, url.port) == (
        base.raw_scheme,
        base.raw_host,
        base.port,
    ) and not url.userinfo:
        root = base.raw_path.partition(b"?")[0]
        target = url.raw_path
        if target.startswith(root):
            return "/" + target[len(root) :].decode("ascii")
    return str(url)


def _passed_on(headers: "httpx.Headers", manner: Manner, *, away: bool) -> dict[str, Any]:
    ignored = manner.ignored
    kept: dict[str, Any] = {}
    for raw, value in headers.items():
        name = raw.lower()
        if name in _OF_THE_HOP or (name, value) in ignored or name.startswith(_STAINLESS):
            continue
        if name in {"authorization", "api-key"} and not (manner.takes_key or away):
            continue
        kept[name] = value
    return kept


def _timeout(client: Any, limits: Mapping[str, float | None]) -> Any:
    values = set(limits.values())
    if len(values) == 1:
        return values.pop()
    return client._library.http.Timeout(**limits)


def _describe_body(call: Call, request: "httpx.Request", *, reads_body: bool) -> None:
    """Set the body of a call: the members of a JSON object, other bytes, or what is sent piece by piece."""
    content: bytes | None = getattr(request, "_content", None)
    if content is None:
        call.body = _StreamedBody(request)
        return
    if not content:
        return
    call.body = content
    kind = request.headers.get("content-type", "application/json")
    if not kind.startswith("application/json"):
        return
    asks = b'"stream"' in content
    if not (asks or reads_body):
        return
    try:
        members = from_json(content)
    except ValueError:
        return
    if isinstance(members, dict):
        call.body = members
        call._encoded = content
        if asks and cast("dict[str, Any]", members).get("stream"):
            call.stream = object


class _StreamedBody(RequestBody):
    """A body that the HTTP library sends piece by piece."""

    def __init__(self, request: "httpx.Request") -> None:
        self._stream: Any = request.stream
        length = request.headers.get("content-length")
        self.length = None if length is None else int(length)
        self.replayable = False

    def content(self, *, sync: bool) -> Any:
        """Return the stream itself."""
        del sync
        return self._stream
