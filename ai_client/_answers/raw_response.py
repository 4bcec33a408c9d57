"""Answers as they came over HTTP: `with_raw_response` and `with_streaming_response`."""

from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args, get_origin, overload

from .._call.call import Call, Reply, StreamEnd
from .._io import finish
from .._io.deadline import is_over
from .._models.json import load_answer
from ..errors import APIConnectionError, APITimeoutError, DeadlineExceededError

if TYPE_CHECKING:
    import os

    import httpx

T = TypeVar("T")
Other = TypeVar("Other")


class _Base(Generic[T]):
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
            await io.close(response)
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
        io, deadline, response = self._call.io, self._reply.deadline, self.http_response
        with self._in_our_words():
            if deadline is None:
                return await io.read(response)
            return await io.within(deadline, io.read(response))

    @contextmanager
    def _in_our_words(self) -> Generator[None]:
        """Map the HTTP library's errors while reading the body to the package's own."""
        io, request = self._call.io, self.http_response.request
        failures: tuple[type[Exception], ...] = (TimeoutError, *io.failures)
        try:
            yield
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
        return call.changed(stream=items[0] if items else call.stream, stream_cls=get_origin(to) or to)


class LegacyAPIResponse(_Base[T]):
    """The HTTP response of a call, its body read; `parse` gives the result. Both clients' `with_raw_response`."""

    @overload
    def parse(self) -> T: ...
    @overload
    def parse(self, *, to: type[Other]) -> Other: ...
    def parse(self, *, to: Any = None) -> Any:
        """Return the result of the method without `with_raw_response`, or the answer parsed as another type."""
        return self._result(to)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.http_response.text

    @property
    def content(self) -> bytes:
        """The body."""
        return self.http_response.content


class APIResponse(_Base[T]):
    """The HTTP response of a sync call, its body not yet read."""

    @overload
    def parse(self) -> T: ...
    @overload
    def parse(self, *, to: type[Other]) -> Other: ...
    def parse(self, *, to: Any = None) -> Any:
        """Read the body and return the result, parsed as *to* if given; a stream if the call streams."""
        if self._call.stream is None:
            self.read()
        return self._result(to)

    def read(self) -> bytes:
        """Read the whole body."""
        return finish(self._read())

    def text(self) -> str:
        """Read the whole body as text."""
        self.read()
        return self.http_response.text

    def json(self) -> object:
        """Read the whole body as JSON."""
        self.read()
        return load_answer(self.http_response)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the decoded body."""
        return self._each(self.http_response.iter_bytes(chunk_size))

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Iterate over the body as text."""
        return self._each(self.http_response.iter_text(chunk_size))

    def iter_lines(self) -> Iterator[str]:
        """Iterate over the body's lines."""
        return self._each(self.http_response.iter_lines())

    def stream_to_file(self, file: "str | os.PathLike[str]", *, chunk_size: int | None = None) -> None:
        """Write the body to a file as it comes."""
        with Path(file).open("wb") as target:
            target.writelines(self.iter_bytes(chunk_size))

    def close(self) -> None:
        """Close the response and release its connection."""
        finish(self._close())


class AsyncAPIResponse(_Base[T]):
    """The HTTP response of an async call, its body not yet read."""

    @overload
    async def parse(self) -> T: ...
    @overload
    async def parse(self, *, to: type[Other]) -> Other: ...
    async def parse(self, *, to: Any = None) -> Any:
        """Read the body and return the result, parsed as *to* if given; a stream if the call streams."""
        if self._call.stream is None:
            await self.read()
        return self._result(to)

    async def read(self) -> bytes:
        """Read the whole body."""
        return await self._read()

    async def text(self) -> str:
        """Read the whole body as text."""
        await self.read()
        return self.http_response.text

    async def json(self) -> object:
        """Read the whole body as JSON."""
        await self.read()
        return load_answer(self.http_response)

    def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the decoded body."""
        return self._each_awaited(self.http_response.aiter_bytes(chunk_size))

    def iter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Iterate over the body as text."""
        return self._each_awaited(self.http_response.aiter_text(chunk_size))

    def iter_lines(self) -> AsyncIterator[str]:
        """Iterate over the body's lines."""
        return self._each_awaited(self.http_response.aiter_lines())

    async def stream_to_file(self, file: "str | os.PathLike[str]", *, chunk_size: int | None = None) -> None:
        """Write the body to a file as it comes."""
        with Path(file).open("wb") as target:  # noqa: ASYNC230 - a buffered write to a local file
            async for chunk in self.iter_bytes(chunk_size):
                target.write(chunk)

    async def close(self) -> None:
        """Close the response and release its connection."""
        await self._close()


class ResponseContextManager(Generic[T]):
    """A call whose response is read inside a `with` block, and closed at its end."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __enter__(self) -> T:
        self._response = finish(self._coroutine)
        return self._response

    def __exit__(self, *exc: object) -> None:
        cast("Any", self._response).close()

    def __del__(self) -> None:
        self._coroutine.close()


class AsyncResponseContextManager(Generic[T]):
    """A call whose response is read inside an `async with` block, and closed at its end."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    async def __aenter__(self) -> T:
        self._response = await self._coroutine
        return self._response

    async def __aexit__(self, *exc: object) -> None:
        await cast("Any", self._response).close()

    def __del__(self) -> None:
        self._coroutine.close()
