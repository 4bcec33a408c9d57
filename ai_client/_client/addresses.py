"""Where a client's calls go: addresses below its own, and those of other origins."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from .._call.call import Call
from .._exchange.call_request import place_of
from .._exchange.origins import is_absolute, origin
from .._http.library import Library
from .._libraries import httpx
from .._params.query import encoded, merge, query_items
from .._params.sendable import address_fault
from .._pool.message import Origin
from ..errors import ConfigError

_URLS_KEPT = 256


class Addresses:
    """The part of a client that knows its address, and joins the paths of calls to it."""

    _library: Library
    _custom_query: Mapping[str, object]
    _base_url: "httpx.URL"
    _userinfo: bytes
    _address: str
    """The address without a query, as prices are looked up by it."""
    _urls: "dict[str, httpx.URL]"
    _places: "dict[str, tuple[httpx.URL, Origin, bytes]]"
    _priced_as: str | None = None
    """Whose prices apply, by the genai-prices library's id, where the class says so and not the address."""

    @property
    def base_url(self) -> "httpx.URL":
        """The address below which all paths are, with a slash at its end."""
        return self._base_url.copy_with(userinfo=self._userinfo) if self._userinfo else self._base_url

    @base_url.setter
    def base_url(self, value: "str | httpx.URL") -> None:
        url = self._checked_url("base_url", value)
        self._userinfo = url.userinfo
        self._base_url = (
            url.copy_with(userinfo=b"") if url.userinfo else url
        )  # errors show where a request went
        self._urls = {}
        self._places = {}
        self._address = str(self._base_url).partition("?")[0]

    def _checked_url(self, name: str, value: "str | httpx.URL") -> "httpx.URL":
        text = str(value)
        if (fault := address_fault(text)) is not None:
            raise ConfigError(f"{name} {fault}.")
        if not text.endswith("/") and "?" not in text and "#" not in text:
            text += "/"  # which spares parsing it once more
        try:
            url: httpx.URL = self._library.http.URL(text)
        except self._library.http.InvalidURL as error:
            raise ConfigError(f"{name} must be an address that the HTTP library can read.") from error
        if not url.path.endswith("/"):
            path, mark, query = url.raw_path.partition(b"?")
            url = url.copy_with(raw_path=path + b"/" + mark + query)
        return url

    def _url(self, call: Call) -> "httpx.URL":
        path = call.path
        url = self._urls.get(path)
        if url is None:
            url = self._join(path)
            if len(self._urls) >= _URLS_KEPT:
                self._urls.clear()
            self._urls[path] = url
        if not (call.query or self._custom_query):
            return url
        away = "://" in path and self.leads_away(call)
        query = call.query if away else merge(self._custom_query, call.query)
        if query:
            items = query_items(query)
            if given := url.query.decode("ascii"):
                kept = parse_qsl(given, keep_blank_values=True)
                items = [(name, value) for name, value in kept if name not in query] + items
            url = url.copy_with(query=encoded(items).encode("ascii") or None)
        return url

    def _place(self, path: str, url: "httpx.URL") -> "tuple[httpx.URL, Origin, bytes] | None":
        """Return an address, its origin and target, `None` for one with a user; those of paths are kept."""
        place = self._places.get(path)
        if place is None or place[0] is not url:
            if url.userinfo:
                return None
            if len(self._places) >= _URLS_KEPT:
                self._places.clear()
            place = self._places[path] = (url, *place_of(url))
        return place

    def leads_away(self, call: Call) -> bool:
        """Return whether the call's path is an address of another origin, which gets nothing of this client's."""
        path = call.path
        return is_absolute(path) and origin(self._join(path)) != origin(self._base_url)

    def _join(self, path: str) -> "httpx.URL":
        return self._parsed(path) if is_absolute(path) else self._below(self._base_url, path)

    def _parsed(self, path: str) -> "httpx.URL":
        try:
            url: httpx.URL = self._library.http.URL(path)
            url.host  # noqa: B018 - which is decoded only now, and need not be valid
        except (self._library.http.InvalidURL, UnicodeError):
            raise ConfigError("The path of the call makes no valid address.") from None
        return url

    def _below(self, base: "httpx.URL", path: str) -> "httpx.URL":
        """Join a path to a base address, keeping both queries."""
        head, _, query = base.raw_path.partition(b"?")
        raw = self._parsed(path).raw_path
        tail, _, own = raw.lstrip(b"/").partition(b"?")
        both = b"&".join(filter(None, (query, own)))
        return base.copy_with(raw_path=head + tail + (b"?" + both if both else b""))

    def _socket_address(
        self, base: "httpx.URL", path: str, query: Mapping[str, object]
    ) -> "tuple[httpx.URL, Mapping[str, object]]":
        """Return where a WebSocket of that path is, below *base*, and its query."""
        head, mark, own = base.raw_path.partition(b"?")
        return self._below(base.copy_with(raw_path=head.rstrip(b"/") + b"/" + mark + own), path), query
