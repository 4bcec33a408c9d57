"""The answer to a request, which becomes a response of the HTTP library's once somebody looks."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, cast

from .._http.library import Library
from .._libraries import httpx
from .._pool.message import Received, response_of
from .._pool.response_head import Headers
from ..errors import APIResponseValidationError
from .at_hand import decoded
from .bounds import Bounds, aread, limit_decoding, read
from .call_request import CallRequest
from .hurry import hurry

_FIRST_SUCCESS, _FIRST_REDIRECT = 200, 300


class Answer:
    """The answer to a request: from a pool of ours, or a response of the HTTP library.

    Attributes:
        asked: The request that was answered.
        status_code: The HTTP status.
        made: The HTTP library's response, once somebody has looked.
        seconds: How long the exchange took, where nobody has looked yet.
    """

    __slots__ = (
        "_body",
        "_content",
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
        self._content: bytes | None = None
        self.seconds: float | None = None
        self._downloaded = 0
        self._is_begun = self._is_closed = False

    @classmethod
    def of(cls, response: "httpx.Response") -> "Answer":
        """Return a response of the HTTP library as an answer."""
        new = object.__new__(cls)
        new.made = response
        new.status_code = getattr(response, "status_code", 0)  # what an application made may be no response
        return new

    def is_of(self, other: "Answer") -> bool:
        """Return whether it and another one are the same answer."""
        return self is other or (self.made is not None and self.made is other.made)

    @property
    def request(self) -> "httpx.Request":
        """The HTTP library's request that was answered."""
        response = self.made
        return self.asked.request if response is None else response.request

    @property
    def response(self) -> "httpx.Response":
        """The HTTP library's response, in the state in which the answer is."""
        response = self.made
        if response is None:
            response = response_of(Received(self._head, self._body, self._network_stream), self._library)
            response.request = self.asked.request
            if self.seconds is not None:
                response.elapsed = timedelta(seconds=self.seconds)
            if not self._is_begun:
                try:
                    limit_decoding(response)
                except APIResponseValidationError:
                    self.made = response  # which the error shows, and whose end is this one's
                    raise
            if self._content is not None:
                read(response)
            elif self._is_begun:
                response.is_stream_consumed = True
                response._num_bytes_downloaded = self._downloaded
            if self._is_closed:
                response.is_closed = True
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

    def header(self, name: str) -> str | None:
        """Return the value of the header of that lower-case name, several of them joined by commas."""
        response = self.made
        if response is None:
            value = self._head.value(name.encode())
            if value is None:
                return None
            if value.isascii():
                return value.decode()
            response = self.response  # the library guesses the encoding of all of them together
        found: str | None = response.headers.get(name)
        return found

    @property
    def bounds(self) -> Bounds:
        """The bounds that hold for it in memory."""
        response = self.made
        return self.asked.bounds if response is None else CallRequest.of(response.request).bounds

    @property
    def content(self) -> bytes:
        """The body, which was read."""
        content = self._content if self.made is None else None
        return self.response.content if content is None else content

    @property
    def content_if_read(self) -> bytes | None:
        """The body, `None` where it was not read to its end."""
        response = self.made
        if response is None:
            return self._content
        return cast("bytes | None", getattr(response, "_content", None))

    @property
    def body(self) -> Any:
        """The body as it comes over the wire, a stream of the HTTP library's."""
        response = self.made
        if response is not None:
            return response.stream
        body = self._body
        return self._library.http.ByteStream(body) if isinstance(body, bytes) else body

    @body.setter
    def body(self, body: Any) -> None:
        if self.made is not None:
            self.made.stream = body
        else:
            self._body = body

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

    def limit_decoding(self) -> None:
        """Bound the decoding of a body that its reader gets piece by piece.

        Raises:
            APIResponseValidationError: It is encoded in a way that cannot be decoded here.
        """
        if self.header("content-encoding") is None:
            return
        if self.made is not None:
            limit_decoding(self.made)
        else:
            self.response  # noqa: B018 - which does so

    def read_at_hand(self) -> bool:
        """Read the body if all of it has arrived and nothing about it is unusual; return whether it was read."""
        if self.made is not None or type(self._body) is not bytes or self._is_begun or self._is_closed:
            return self.content_if_read is not None
        if self._content is None:
            limit = self.asked.bounds.response
            coding = self.header("content-encoding")
            if coding is not None:
                self._content = decoded(self._body, coding, limit)
            elif len(self._body) <= limit:
                self._content = self._body
        return self._content is not None

    def read(self) -> bytes:
        """Read the body to its end.

        Raises:
            ResponseTooLargeError: It is larger than may be held in memory; the answer is closed.
        """
        return self.content if self.read_at_hand() else read(self.response)

    async def aread(self) -> bytes:
        """Read the body to its end, as `read`."""
        return self.content if self.read_at_hand() else await aread(self.response)

    def pieces(self) -> Iterator[bytes]:
        """Yield the decoded body as it comes."""
        if not self._begin():
            yield from self.response.iter_bytes()
            return
        try:
            for piece in self.body:
                self._count(piece)
                if piece:
                    yield piece
        except self._library.http.RequestError as error:
            error.request = self.asked.request
            raise
        self.close()

    async def apieces(self) -> AsyncIterator[bytes]:
        """Yield the decoded body as it comes."""
        if not self._begin():
            async for piece in self.response.aiter_bytes():
                yield piece
            return
        try:
            async for piece in self.body:
                self._count(piece)
                if piece:
                    yield piece
        except self._library.http.RequestError as error:
            error.request = self.asked.request
            raise
        await self.aclose()

    def _begin(self) -> bool:
        """Begin to read the body piece by piece; return whether that is done without the HTTP library."""
        if self.made is not None or self.is_closed or self._is_begun:
            return False
        self._is_begun = True
        return True

    def _count(self, piece: bytes) -> None:
        self._downloaded += len(piece)
        if self.made is not None:
            self.made._num_bytes_downloaded = self._downloaded

    def hurry(self, end: float, too_late: type[Exception]) -> bool:
        """Bound every read of the body by *end*; return whether that holds for one that has begun."""
        response = self.made
        if response is not None:
            return hurry(response, end, too_late)
        own = None if self.is_closed else getattr(self._network_stream, "hurry", None)
        if own is not None:
            own(end)
        return own is not None

    def close(self) -> None:
        """Close it, read or not."""
        if self.made is not None:
            self.made.close()
        elif not self.is_closed:
            self._is_closed = True
            self.body.close()

    async def aclose(self) -> None:
        """Close it, read or not."""
        if self.made is not None:
            await self.made.aclose()
        elif not self.is_closed:
            self._is_closed = True
            await self.body.aclose()
