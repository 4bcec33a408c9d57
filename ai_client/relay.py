"""Relay streams to the readers of a web application, for any combination of sync and async server and stream.

A generator runs with the labels of the request while it is read, long after its view has returned.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ._call.labels import scopes
from ._process.iteration import AsyncItems, SyncItems
from .errors import OpenAIError, StreamInterruptedError
from .web import DONE, encode_event

logger = logging.getLogger("ai_client")

Transform = Callable[[Any], Any]


class _Encoder:
    """The part that both kinds of events share: encoding of items, and the end."""

    def __init__(self, transform: Transform | None) -> None:
        self._transform = transform
        self._failure: Exception | None = None
        self.ended = False
        self._left = False

    def leave(self) -> None:
        """Note that the reader has disconnected, so that the stream's early end is not reported as a failure."""
        self._left = True

    def _encode(self, item: Any) -> bytes | None:
        """Encode an item as an event; return `None` where it is not to be sent."""
        if self._transform is not None:
            item = self._transform(item)
            if item is None:
                return None
        return encode_event(item)

    def _fail(self, error: Exception) -> bytes:
        """Encode an error as the last event; one that is not an `OpenAIError` is raised after it, to be logged."""
        if not isinstance(error, OpenAIError):
            self._failure = error
        return encode_event(error)

    def _at_end(self) -> bool:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return self.ended


class Events(_Encoder):
    """A sync stream, or any other iterable, as server-sent events; closing it closes the stream.

    Args:
        stream: The stream.
        transform: Maps each item to what is sent; `None` sends nothing.
    """

    def __init__(self, stream: Iterable[Any], transform: Transform | None = None) -> None:
        super().__init__(transform)
        self._stream = stream
        self._items = iter(stream)
        self._labels = scopes.get()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._at_end():
            raise StopIteration
        outer = scopes.get()
        scopes.set(self._labels)
        try:
            return self._advance()
        except Exception as error:  # noqa: BLE001 - any error becomes the last event
            with _logged():
                self.close()
            if self._left and isinstance(error, OpenAIError):
                raise StopIteration from None
            return self._fail(error)
        finally:
            scopes.set(outer)

    def _advance(self) -> bytes:
        for item in self._items:
            if (event := self._encode(item)) is not None:
                return event
        _check_end(self._stream)
        with _logged():
            self.close()
        return DONE

    def close(self) -> None:
        """End the events and close the stream. Idempotent."""
        if self.ended:
            return
        self.ended = True
        if (close := getattr(self._stream, "close", None)) is not None:
            close()


class AsyncEvents(_Encoder):
    """An async stream, or any other async iterable, as server-sent events; closing it closes the stream.

    Args:
        stream: The stream.
        transform: Maps each item to what is sent; `None` sends nothing.
    """

    def __init__(self, stream: AsyncIterable[Any], transform: Transform | None = None) -> None:
        super().__init__(transform)
        self._stream = stream
        self._items = aiter(stream)
        self._labels = scopes.get()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._at_end():
            raise StopAsyncIteration
        await asyncio.sleep(0)  # a buffered stream and a fast reader would never yield to other tasks
        outer = scopes.get()
        scopes.set(self._labels)
        try:
            return await self._advance()
        except Exception as error:  # noqa: BLE001 - any error becomes the last event
            with _logged():
                await self.aclose()
            return self._fail(error)
        except BaseException:
            await self.aclose()
            raise
        finally:
            scopes.set(outer)

    async def _advance(self) -> bytes:
        async for item in self._items:
            if (event := self._encode(item)) is not None:
                return event
        _check_end(self._stream)
        with _logged():
            await self.aclose()
        return DONE

    async def aclose(self) -> None:
        """End the events and close the stream. Idempotent."""
        if self.ended:
            return
        self.ended = True
        close = getattr(self._stream, "aclose", None) or getattr(self._stream, "close", None)
        if close is not None:
            await close()


def _check_end(stream: Any) -> None:
    """Raise `StreamInterruptedError` if a stream ended because it was closed early or its last item was an error."""
    if getattr(stream, "left_early", False):
        message = "The stream was closed before its end, or ended with an error."
        raise StreamInterruptedError(message, stream.response.request)


@contextmanager
def _logged() -> Generator[None]:
    """Log an error of closing a stream instead of sending it to the reader."""
    try:
        yield
    except Exception:
        logger.exception("Closing a stream failed; its reader is not affected.")


def sync_events(
    stream: Iterable[Any] | AsyncIterable[Any], transform: Transform | None = None
) -> "Events | SyncItems[bytes]":
    """Return the events of a sync or async stream as an iterator, for WSGI servers."""
    if isinstance(stream, AsyncIterable):
        events = AsyncEvents(stream, transform)
        return SyncItems(events, events.aclose)
    return Events(stream, transform)


def async_events(
    stream: Iterable[Any] | AsyncIterable[Any], transform: Transform | None = None
) -> "AsyncEvents | AsyncItems[bytes]":
    """Return the events of a sync or async stream as an async iterator, for ASGI servers."""
    if isinstance(stream, AsyncIterable):
        return AsyncEvents(stream, transform)
    events = Events(stream, transform)
    return AsyncItems(events, stream, events.close, events.leave)


blocking_events, awaitable_events = sync_events, async_events  # public names, kept
