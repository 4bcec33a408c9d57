"""The answer as the page gets it: the chunks of the API, the HTML of their text, and in the end the cost."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from ai_client import AsyncStream, Stream

from ._chat import cost
from ._markdown import LiveHtml


class PageStream:
    """The items of a sync stream for the page."""

    def __init__(self, stream: Stream[Any]) -> None:
        self._stream = stream
        self._page = _Page()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if change := self._page.take():
            return change
        for chunk in self._stream:
            self._page.add(chunk)
            return chunk
        if self._page.ended:
            raise StopIteration
        return self._page.end(self._stream)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class AsyncPageStream:
    """The items of an async stream for the page."""

    def __init__(self, stream: AsyncStream[Any]) -> None:
        self._stream = stream
        self._page = _Page()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if change := self._page.take():
            return change
        async for chunk in self._stream:
            self._page.add(chunk)
            return chunk
        if self._page.ended:
            raise StopAsyncIteration
        return self._page.end(self._stream)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.close()


class _Page:
    """What the page shows of a stream, and the change that is to be sent next."""

    def __init__(self) -> None:
        self.ended = False
        self._html = LiveHtml()
        self._change: dict[str, Any] | None = None

    def add(self, chunk: Any) -> None:
        """Take in the words of a chunk."""
        self._change = self._html.add(_words(chunk))

    def take(self) -> dict[str, Any] | None:
        """Return the change that follows the last chunk, once."""
        change, self._change = self._change, None
        return change

    def end(self, stream: object) -> dict[str, Any]:
        """Return the last item: the cost, which is known by now, and what is left to change."""
        self.ended = True
        return {"cost_usd": cost(stream), **self._html.end()}


def _words(chunk: Any) -> str:
    """Return the words in the first choice of a chunk, whatever else the API may send."""
    choices = getattr(chunk, "choices", None)
    delta = getattr(choices[0], "delta", None) if choices else None
    content = getattr(delta, "content", None)
    return content if isinstance(content, str) else ""
