"""The HTTP request of a call: address, headers, timeouts and body; the constant parts are cached."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._call.call import Call
from .._exchange.bounds import EXTENSION, USUAL, Bounds
from .._exchange.call_request import CallRequest
from .._exchange.origins import OTHER_ORIGIN, for_anywhere
from .._exchange.redirects import FOLLOW_REDIRECTS, ONCE
from .._libraries import httpx
from .._params.files import RequestBody
from .._params.omit import ADMIN_PATHS, NotGiven, Omit
from .._params.sendable import name_fault, value_fault
from .._pool.message import Message
from .._pool.response_head import Headers
from .._version import __version__
from ..errors import ConfigError
from .addresses import Addresses
from .tenant_account import TenantAccount
from .time_limits import timeouts

_RETRY_COUNT = "x-stainless-retry-count"
_READ_TIMEOUT = "x-stainless-read-timeout"


class MissingCredentialsError(ConfigError, TypeError):
    """A call without the kind of key that it needs."""


class Header(NamedTuple):
    """A header whose value its repr does not show."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"<header {self.name}>"


class Messages(Addresses):
    """Base of a client that builds the HTTP request of a call."""

    api_key: str
    admin_api_key: str | None
    organization: str | None
    project: str | None
    websocket_base_url: "str | httpx.URL | None"
    timeout: "float | httpx.Timeout | None"
    _sender: Any  # a Sender of the sync client, an AsyncSender of the async one
    _custom_headers: Mapping[str, str | Omit]
    _idempotency_header: str | None = "Idempotency-Key"
    _prepared: "_Prepared | None" = None
    _account: TenantAccount | None = None
    """The tenant's account that this client performs calls of another client for."""
    _fingerprint: str | None = None
    """That of the account, which tells it apart from others."""
    _bounds: Bounds = USUAL
    _limits: tuple[object, dict[str, float | None]] = (..., {})
    _authorized: tuple[str, Header | None] = ("", None)  # the key of the call before, and its header

    @property
    def user_agent(self) -> str:
        """The `User-Agent` of requests."""
        return f"ai_client/{__version__}"

    @property
    def default_headers(self) -> dict[str, str | Omit]:
        """The headers of every request, without the authorization."""
        headers: dict[str, str | Omit] = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": self.user_agent,
        }
        if self.organization is not None:
            headers["OpenAI-Organization"] = self.organization
        if self.project is not None:
            headers["OpenAI-Project"] = self.project
        return {**headers, **self._custom_headers}

    @property
    def default_query(self) -> dict[str, object]:
        """The query parameters of every request."""
        return dict(self._custom_query)

    @property
    def auth_headers(self) -> dict[str, str]:
        """The header that authorizes requests; empty where it is only known when a request is made."""
        header = self._authorization(None)
        return dict([header]) if header else {}

    def _authorization(self, call: Call | None, key: str | None = None) -> Header | None:
        """Return the header that authorizes *call* with *key*, or with the client's key."""
        if key is None:
            key = self.api_key
        admin = None if call is None else call.admin
        if admin or (admin is None and self.admin_api_key is not None and (not key or self._is_admin(call))):
            key = self.admin_api_key or ""
        known, header = self._authorized
        if known is not key:
            header = Header("Authorization", f"Bearer {key}") if key else None
            self._authorized = key, header  # in one step, as another thread may be at it too
        return header

    def _is_admin(self, call: Call | None) -> bool:
        return call is not None and call.path.startswith(ADMIN_PATHS)

    def _build(
        self, call: Call, content: bytes | RequestBody | None, taken: int, authorization: Header | None
    ) -> CallRequest:
        """Build the request of the attempt after *taken* others."""
        timeout = self.timeout if isinstance(call.timeout, NotGiven) else call.timeout
        known, limits = self._limits
        if known is not timeout:
            limits = timeouts(timeout)
            self._limits = (timeout, limits)  # in one step, as another thread may be at it too
        prepared = self._prepare(authorization, limits["read"])
        away = "://" in call.path and self.leads_away(call)
        if content is None or taken or call.headers or authorization is None or away:
            headers = self._own_headers(call, prepared, taken, content, away=away)
        else:
            headers = None
        extensions: dict[str, Any] = {}
        if call.follow_redirects is not None:
            extensions[FOLLOW_REDIRECTS] = call.follow_redirects
        if away or self._account is not None:
            extensions[OTHER_ORIGIN] = True
        if self._bounds is not USUAL:
            extensions[EXTENSION] = self._bounds
        url = self._url(call)
        if headers is None and isinstance(content, bytes):
            place = self._place(call.path, url)
            if place is not None:
                _, origin, target = place
                message = Message(
                    call.method, origin, target, prepared.raw, content, limits, None, measured=True
                )
                usual: CallRequest = self._sender.usual(message, url, extensions)
                return usual
        if headers is None:
            headers = list(prepared.pairs.values())
        body: Any = content
        if isinstance(content, RequestBody):
            headers = _with_body(headers, content)
            body = content.content(sync=call.io.sync)
            if not content.replayable:
                extensions[ONCE] = True
        if url.userinfo:
            headers = [pair for pair in headers if pair[0].lower() != "authorization"] + [_basic(url)]
            url = url.copy_with(userinfo=b"")
        extensions["timeout"] = limits.copy()  # a hook may change them
        request: CallRequest = self._sender.build(call.method, url, headers, extensions, body)
        return request

    def _prepare(self, authorization: Header | None, read: float | None) -> "_Prepared":
        """Return the headers common to most requests, rebuilt when a setting has changed."""
        sender = self._sender
        base = self._base_url
        state = (
            authorization,
            self.organization,
            self.project,
            self._custom_headers,
            base,
            self._userinfo,
            read,
            sender.state,
        )
        prepared = self._prepared
        if prepared is None or prepared.state != state:
            shared = sender.headers
            usual: dict[str, str | Omit] = {
                **(shared if self._account is None else self._account.passed_on(shared))
            }
            if authorization is not None:
                usual[authorization[0]] = authorization[1]
            if self._userinfo:
                usual["Authorization"] = _basic(
                    self.base_url
                ).value  # in place of the key, as the HTTP library has it
            pairs = _listed([*usual.items(), *self.default_headers.items()])
            if _RETRY_COUNT not in pairs:
                pairs[_RETRY_COUNT] = Header(_RETRY_COUNT, "0")
            if _READ_TIMEOUT not in pairs and read is not None:
                pairs[_READ_TIMEOUT] = Header(_READ_TIMEOUT, str(read))
            pairs.setdefault("host", Header("Host", base.netloc.decode("ascii")))
            pairs.pop("content-length", None)  # which each request has of its own
            made = self._library.http.Headers(list(pairs.values())).raw
            prepared = _Prepared(state, pairs, made)
            self._prepared = prepared
        return prepared

    def _own_headers(
        self,
        call: Call,
        prepared: "_Prepared",
        taken: int,
        content: bytes | RequestBody | None,
        *,
        away: bool,
    ) -> list[Header]:
        """Return the headers of a call that needs its own; another origin gets no credentials of this one."""
        merged = for_anywhere(prepared.pairs) if away else prepared.pairs.copy()
        if away:
            merged.pop("host", None)
        if taken:
            merged[_RETRY_COUNT] = Header(_RETRY_COUNT, str(taken))
        if content is None and call.method == "GET":
            merged.pop("content-type", None)
        omitted: set[str] = set()
        for name, value in (call.headers or {}).items():
            if isinstance(value, Omit):
                merged.pop(name.lower(), None)
                omitted.add(name.lower())
            else:
                merged[name.lower()] = Header(name, check_header(name, value))
        if not isinstance(content, RequestBody) or content.length is not None:
            merged.pop("content-length", None)  # it is counted
        omitted |= {name.lower() for name, value in self._custom_headers.items() if isinstance(value, Omit)}
        if not away and merged.keys().isdisjoint(_AUTHENTICATES) and omitted.isdisjoint(_AUTHENTICATES):
            key = (
                "api_key or admin_api_key"
                if call.admin is None
                else "admin_api_key"
                if call.admin
                else "api_key"
            )
            if self._account is not None:
                raise MissingCredentialsError(
                    f"A tenant's own key does not authorize this request, which needs {key}."
                    " with_options(credentials=None) makes it with the client's."
                )
            raise MissingCredentialsError(
                f"There is nothing to authenticate this request with. Set {key} on the client,"
                ' or omit the header on purpose: extra_headers={"Authorization": omit}.'
            )
        return list(merged.values())


def _basic(url: "httpx.URL") -> Header:
    """Return the Basic authorization header of an address's user info."""
    user = f"{url.username}:{url.password}".encode()
    return Header("Authorization", f"Basic {base64.b64encode(user).decode()}")


class _Prepared(NamedTuple):
    state: tuple[object, ...]
    pairs: dict[str, Header]
    raw: Headers
    """The headers as they are sent, without the length."""

    def __repr__(self) -> str:
        return "<prepared headers>"  # debug pages show the variables of functions


def _with_body(headers: list[Header], body: RequestBody) -> list[Header]:
    pairs = headers
    if body.content_type is not None:
        pairs = [pair for pair in pairs if pair[0].lower() != "content-type"]
        pairs.append(Header("Content-Type", body.content_type))
    if body.length is not None:
        pairs.append(Header("Content-Length", str(body.length)))
    return pairs


_AUTHENTICATES = frozenset({"authorization", "api-key"})


def _listed(headers: Iterable[tuple[str, str | Omit]]) -> dict[str, Header]:
    """Merge headers by lower-case name; a later one replaces an earlier one, `omit` removes it."""
    kept: dict[str, Header] = {}
    for name, value in headers:
        kept.pop(name.lower(), None)
        if not isinstance(value, Omit):
            kept[name.lower()] = Header(name, check_header(name, value))
    return kept


def check_header(name: str, value: object) -> str:
    """Return a header value; the message of an error does not show it.

    Raises:
        TypeError: It, or the name, is no string.
        ConfigError: It, or the name, would break the request apart.
    """
    if not isinstance(value, str) or not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        wrong = name if isinstance(value, str) else value
        raise TypeError(f"The header {name!r} must be a string, not {type(wrong).__name__}.")
    if (fault := name_fault(name)) is not None:
        raise ConfigError(f"{fault}.")
    if (fault := value_fault(value)) is not None:
        raise ConfigError(f"The header {name!r} {fault}.")
    return value
