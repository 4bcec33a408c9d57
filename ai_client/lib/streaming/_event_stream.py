"""Streams of events derived from the items of another stream, and the context managers that open and close them."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

from ..._answers.stream import AsyncStream, Stream
from ..._io import finish
from ..._libraries import httpx
from ...errors import StreamStateError

E = TypeVar("E")
S = TypeVar("S", bound="EventStream[Any]")
A = TypeVar("A", bound="AsyncEventStream[Any]")

Request = Callable[[], Coroutine[Any, Any, Any]]


def _handled(handle: Callable[[Any], Iterable[E]], item: Any) -> Iterable[E]:
    """Return the events derived from an item.

    Raises:
        StreamStateError: The item lacks required members, or is inconsistent with those before it.
    """
    try:
        return handle(item)
    except (AttributeError, TypeError, LookupError) as error:
        raise StreamStateError("An event of the stream does not have the expected shape.") from error


class EventStream(Generic[E]):
    """The events derived from the items of a stream, as they arrive."""

    def __init__(self, raw_stream: Stream[Any], handle: Callable[[Any], Iterable[E]]) -> None:
        self._raw_stream = raw_stream
        self._handle = handle
        self._ready: deque[E] = deque()

    @property
    def response(self) -> "httpx.Response":
        """The underlying HTTP response."""
        return self._raw_stream.response

    @property
    def left_early(self) -> bool:
        """Whether the stream was closed or failed before its end."""
        return self._raw_stream.left_early

    def __iter__(self) -> Iterator[E]:
        return self

    def __next__(self) -> E:
        while not self._ready:
            item = next(self._raw_stream)
            try:
                self._ready.extend(_handled(self._handle, item))
            except BaseException:
                self.close()
                raise
        return self._ready.popleft()

    def until_done(self) -> Self:
        """Read the stream to its end; return it."""
        for _ in self:
            pass
        return self

    def close(self) -> None:
        """Close the stream and release its connection."""
        self._raw_stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncEventStream(Generic[E]):
    """The events derived from the items of a stream, as they arrive."""

    def __init__(self, raw_stream: AsyncStream[Any], handle: Callable[[Any], Iterable[E]]) -> None:
        self._raw_stream = raw_stream
        self._handle = handle
        self._ready: deque[E] = deque()

    @property
    def response(self) -> "httpx.Response":
        """The underlying HTTP response."""
        return self._raw_stream.response

    @property
    def left_early(self) -> bool:
        """Whether the stream was closed or failed before its end."""
        return self._raw_stream.left_early

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        while not self._ready:
            item = await anext(self._raw_stream)
            try:
                self._ready.extend(_handled(self._handle, item))
            except BaseException:
                await self.close()
                raise
        return self._ready.popleft()

    async def until_done(self) -> Self:
        """Read the stream to its end; return it."""
        async for _ in self:
            pass
        return self

    async def close(self) -> None:
        """Close the stream and release its connection."""
        await self._raw_stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class EventStreamManager(Generic[S]):
    """A context manager that sends the call on entry and closes its stream on exit."""

    def __init__(self, request: Request, wrap: Callable[[Stream[Any]], S]) -> None:
        self._request = request
        self._wrap = wrap
        self._stream: S | None = None

    def __enter__(self) -> S:
        self._stream = stream = self._wrap(finish(self._request()))
        return stream

    def __exit__(self, *exc: object) -> None:
        if self._stream is not None:
            self._stream.close()


class AsyncEventStreamManager(Generic[A]):
    """An async context manager that sends the call on entry and closes its stream on exit."""

    def __init__(self, request: Request, wrap: Callable[[AsyncStream[Any]], A]) -> None:
        self._request = request
        self._wrap = wrap
        self._stream: A | None = None

    async def __aenter__(self) -> A:
        self._stream = stream = self._wrap(await self._request())
        return stream

    async def __aexit__(self, *exc: object) -> None:
        if self._stream is not None:
            await self._stream.close()
