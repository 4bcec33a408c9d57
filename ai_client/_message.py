"""The HTTP request of a call: address, headers, timeouts and body, prepared as far as they do not change."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ._exchange import AsyncSender, Sender
from ._request import NotGiven, Omit, merge, query_string
from ._version import __version__
from .control.call import Call
from .errors import ConfigError

if TYPE_CHECKING:
    import httpx

    from ._http import Library

_URLS_KEPT = 256


class Messages:
    """The part of a client that turns calls into HTTP requests."""

    api_key: str
    organization: str | None
    project: str | None
    timeout: "float | httpx.Timeout | None"
    _library: "Library"
    _custom_headers: Mapping[str, "str | Omit"]
    _custom_query: Mapping[str, object]
    _api_key_source: Callable[[], Any] | None
    _base_url: "httpx.URL"
    _urls: "dict[str, httpx.URL]"
    _prepared: "tuple[object, ...]" = ()
    _headers: list[tuple[str, str]]

    @property
    def base_url(self) -> "httpx.URL":
        """The address below which all paths are, with a slash at its end."""
        return self._base_url

    @base_url.setter
    def base_url(self, value: "str | httpx.URL") -> None:
        url: httpx.URL = self._library.http.URL(value)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ConfigError(
                "base_url must be an absolute http or https address, as https://api.openai.com/v1"
            )
        if not url.path.endswith("/"):
            url = url.copy_with(path=url.path + "/")
        self._base_url = url
        self._urls = {}

    @property
    def default_headers(self) -> "dict[str, str | Omit]":
        """The headers of every request, without the authorization."""
        headers: dict[str, str | Omit] = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"ai_client/{__version__}",
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
        """The header that authorizes requests."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def _build(
        self, sender: Sender | AsyncSender, call: Call, content: bytes | None, taken: int
    ) -> "httpx.Request":
        """Make the request of the attempt after *taken* others."""
        timeout = self.timeout if isinstance(call.timeout, NotGiven) else call.timeout
        limits = timeouts(timeout)
        headers = self._request_headers(call, content is not None)
        headers.append(("x-stainless-retry-count", str(taken)))
        if limits["read"] is not None:
            headers.append(("x-stainless-read-timeout", str(limits["read"])))
        return sender.build(call.method, self._url(call), headers, limits, content=content)

    def _url(self, call: Call) -> "httpx.URL":
        path = call.path
        url = self._urls.get(path)
        if url is None:
            base = self._base_url
            url = base.join(path) if "://" in path else base.copy_with(raw_path=_below(base, path))
            if len(self._urls) >= _URLS_KEPT:
                self._urls.clear()
            self._urls[path] = url
        query = merge(self._custom_query, call.query)
        if query:
            given = url.query.decode("ascii")
            encoded = query_string(query)
            url = url.copy_with(query="&".join(filter(None, (given, encoded))).encode("ascii"))
        return url

    def _request_headers(self, call: Call, has_body: bool) -> list[tuple[str, str]]:
        state = (self.api_key, self.organization, self.project, self._custom_headers)
        if self._prepared != state:
            self._headers = _listed({**self.auth_headers, **self.default_headers})
            self._prepared = state
        if not call.headers and has_body:
            return self._headers.copy()
        merged = {name.lower(): (name, value) for name, value in self._headers}
        if not has_body and call.method == "GET":
            merged.pop("content-type", None)
        for name, value in (call.headers or {}).items():
            if isinstance(value, Omit):
                merged.pop(name.lower(), None)
            else:
                merged[name.lower()] = (name, check_header(name, value))
        return list(merged.values())


def _listed(headers: "Mapping[str, str | Omit]") -> list[tuple[str, str]]:
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        kept.pop(name.lower(), None)
        if not isinstance(value, Omit):
            kept[name.lower()] = (name, check_header(name, value))
    return list(kept.values())


def check_header(name: str, value: object) -> str:
    """Refuse a header value that would break the request apart; the value is not shown."""
    if not isinstance(value, str):
        raise TypeError(f"The header {name!r} must be a string, not {type(value).__name__}.")
    if "\r" in value or "\n" in value or "\0" in value:
        raise ValueError(f"The header {name!r} holds a line break, which no HTTP header may.")
    return value


def _below(base: "httpx.URL", path: str) -> bytes:
    head, mark, query = base.raw_path.partition(b"?")
    return head + path.lstrip("/").encode("ascii") + mark + query


def timeouts(timeout: "float | httpx.Timeout | None") -> "dict[str, float | None]":
    """Give the limits of a request in seconds: connect, read, write, and waiting for a connection."""
    if timeout is None or isinstance(timeout, int | float):
        return {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}
    return timeout.as_dict()
