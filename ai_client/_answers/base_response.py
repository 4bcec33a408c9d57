"""The base of all views of an HTTP response: its facts, reading its body, and the end of the call."""

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast, get_args

from .._call.call import Call, Reply, StreamEnd
from .._exchange.decoding import library_of
from .._io.deadline import is_over
from .._libraries import httpx
from ..errors import APIConnectionError, APITimeoutError, DeadlineExceededError, StreamStateError
from .stream import stream_class

T = TypeVar("T")
Other = TypeVar("Other")


class BaseResponse(Generic[T]):
    """The HTTP response of a call, and how its body is read within the deadline of the call."""

    def __init__(self, call: Call, reply: Reply, client: Any) -> None:
        self.http_response: httpx.Response = reply.response
        self.retries_taken = reply.retries_taken
        self._call = call
        self._reply = reply
        self._call_record = call.record
        self._client = client
        self._parsed: dict[Any, Any] = {}
        self._error: APIConnectionError | None = None

    async def _close(self) -> None:
        io, response = self._call.io.until(self._reply.deadline), self.http_response
        at_end = (
            response.is_stream_consumed and response.is_closed
        )  # which a body is that was read to its end
        try:
            await io.close(self._reply.answer)
        finally:
            end = StreamEnd(self._error, complete=at_end and self._error is None)
            await self._reply.settle(io, end)

    def __repr__(self) -> str:
        response = self.http_response
        return f"<{type(self).__name__} [{response.status_code} {response.reason_phrase}]>"

    @property
    def headers(self) -> "httpx.Headers":
        """The answer's headers."""
        return self.http_response.headers

    @property
    def http_request(self) -> "httpx.Request":
        """The request that was answered."""
        return self.http_response.request

    @property
    def request_id(self) -> str | None:
        """The answer's `x-request-id` header."""
        return cast("str | None", self.headers.get("x-request-id"))

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.http_response.status_code

    @property
    def url(self) -> "httpx.URL":
        """The address that answered."""
        return self.http_response.url

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.http_request.method

    @property
    def http_version(self) -> str:
        """The protocol, as `HTTP/1.1`."""
        return self.http_response.http_version

    @property
    def elapsed(self) -> timedelta:
        """The time between sending the request and having the whole answer."""
        return self.http_response.elapsed

    @property
    def is_closed(self) -> bool:
        """Whether the body is read or the response closed."""
        return self.http_response.is_closed

    async def _read(self) -> bytes:
        io, deadline, answer = self._call.io, self._reply.deadline, self._reply.answer
        with self._in_our_words():
            if deadline is None:
                return await io.read(answer)
            return await io.within(deadline, io.read(answer))

    @contextmanager
    def _in_our_words(self) -> Generator[None]:
        """Map the HTTP library's errors while reading the body to the package's own."""
        io, request = self._call.io, self.http_response.request
        failures: tuple[type[Exception], ...] = (TimeoutError, *io.failures)
        gone: type[Exception] = library_of(self.http_response).http.StreamError
        try:
            yield
        except gone as error:
            raise StreamStateError(
                "The body was read piece by piece, or closed, and can be read only once: use `read` first to keep it."
            ) from error
        except failures as error:
            if isinstance(error, (TimeoutError, *io.timeouts)) and is_over(self._reply.deadline):
                self._error = DeadlineExceededError(request)
            elif isinstance(error, io.timeouts):
                self._error = APITimeoutError(request)
            elif isinstance(error, io.failures):
                message = f"The answer broke off ({type(error).__name__})."
                self._error = APIConnectionError(message=message, request=request)
            else:
                raise
            raise self._error from error

    def _each(self, pieces: Iterator[Other]) -> Iterator[Other]:
        with self._in_our_words():
            yield from pieces

    async def _each_awaited(self, pieces: AsyncIterator[Other]) -> AsyncIterator[Other]:
        io, deadline = self._call.io, self._reply.deadline
        with self._in_our_words():
            while True:
                following = anext(pieces, None)
                piece = await (following if deadline is None else io.within(deadline, following))
                if piece is None:
                    return
                yield piece

    def _result(self, to: Any = None) -> Any:
        if to not in self._parsed:
            call = self._call if to is None else self._recast(to)
            self._parsed[to] = self._client.result(call, self._reply, "parsed")
        return self._parsed[to]

    def _recast(self, to: Any) -> Call:
        call = self._call
        if call.stream is None:
            return call.changed(cast_to=to)
        items = get_args(to)
        return call.changed(
            stream=items[0] if items else call.stream, stream_cls=stream_class(to, sync=call.io.sync)
        )
