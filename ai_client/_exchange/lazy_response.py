"""A response that becomes one of the HTTP library's once somebody looks."""

from datetime import timedelta
from typing import Any, Self

from .._http.library import Library
from .._libraries import httpx
from .._pool.message import Received, response_of
from .._pool.response_head import Headers
from .bounds import Bounds
from .call_request import CallRequest
from .decoding import Decoder, decode_by

_FIRST_SUCCESS, _FIRST_REDIRECT = 200, 300
_STATUS_LINE = ("http_version", "reason_phrase")


class LazyResponse:
    """The response to a request: from a pool of ours, or of the HTTP library.

    Attributes:
        asked: The request that was answered.
        status_code: The HTTP status.
        made: The HTTP library's response, once somebody has looked.
        seconds: How long the exchange took, where nobody has looked yet.
    """

    __slots__ = (
        "_added",
        "_body",
        "_content",
        "_decoder",
        "_downloaded",
        "_head",
        "_is_begun",
        "_is_closed",
        "_library",
        "_network_stream",
        "asked",
        "made",
        "seconds",
        "status_code",
    )

    def __init__(self, asked: CallRequest, received: Received, library: Library) -> None:
        self.asked = asked
        self._head, self._body, self._network_stream = received
        self._library = library
        self.status_code = self._head.status_code
        self.made: httpx.Response | None = None
        self._added: tuple[str, str] | None = None
        self._content: bytes | None = None
        self._decoder: Decoder | None = None
        self.seconds: float | None = None
        self._downloaded = 0
        self._is_begun = self._is_closed = False

    @classmethod
    def of(cls, response: "httpx.Response") -> Self:
        """Return a response of the HTTP library as one of this class."""
        new = object.__new__(cls)
        new.made = response
        new.status_code = getattr(response, "status_code", 0)  # what an application made may be no response
        return new

    def is_of(self, other: "LazyResponse") -> bool:
        """Return whether it and another one are the same response."""
        return self is other or (self.made is not None and self.made is other.made)

    @property
    def request(self) -> "httpx.Request":
        """The HTTP library's request that was answered."""
        response = self.made
        return self.asked.request if response is None else response.request

    @property
    def response(self) -> "httpx.Response":
        """The HTTP library's response, in the state in which this one is."""
        response = self.made
        if response is None:
            response = response_of((self._head, self._body, self._network_stream), self._library)
            response.request = self.asked.request
            if self.seconds is not None:
                response.elapsed = timedelta(seconds=self.seconds)
            if self._added is not None:
                name, value = self._added
                response.headers[name] = value
            if self._content is not None:
                response._content = self._content
                response.is_stream_consumed = response.is_closed = True
            else:
                response.is_stream_consumed = self._is_begun
                response.is_closed = self._is_closed
                if self._decoder is not None:
                    decode_by(response, self._decoder)
            response._num_bytes_downloaded = self._downloaded
            self.made = response
            self._content = None
        return response

    @property
    def response_type(self) -> type["httpx.Response"]:
        """The class of `response`."""
        response = self.made
        return self._library.http.Response if response is None else type(response)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of success."""
        return _FIRST_SUCCESS <= self.status_code < _FIRST_REDIRECT

    @property
    def raw_headers(self) -> Headers:
        """The headers as they came, or as they are on the response that somebody has looked at."""
        response = self.made
        return self._head.headers if response is None else response.headers.raw

    @property
    def status_line(self) -> dict[str, bytes]:
        """The version of HTTP and the reason, under the names of the HTTP library's extensions."""
        response = self.made
        if response is None:
            head = self._head
            return {"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason}
        return {name: response.extensions[name] for name in _STATUS_LINE if name in response.extensions}

    def header(self, name: str) -> str | None:
        """Return the value of the header of that lower-case name, several of them joined by commas."""
        response = self.made
        if response is None:
            value = self._head.value(name)
            if value is None or value.isascii():
                return value
            response = self.response  # the library guesses the encoding of all of them together
        found: str | None = response.headers.get(name)
        return found

    def add_header(self, name: str, value: str) -> None:
        """Add a header of our own to what the HTTP library's response shows."""
        if self.made is None:
            self._added = name, value
        else:
            self.made.headers[name] = value

    @property
    def bounds(self) -> Bounds:
        """The bounds that hold for it in memory."""
        response = self.made
        return self.asked.bounds if response is None else CallRequest.of(response.request).bounds

    @property
    def network_stream(self) -> Any:
        """The connection below."""
        response = self.made
        return self._network_stream if response is None else response.extensions.get("network_stream")

    @property
    def is_closed(self) -> bool:
        """Whether the body was read to its end or closed."""
        response = self.made
        if response is not None:
            return response.is_closed
        return self._is_closed or self._content is not None
