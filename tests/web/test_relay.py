"""Streams as server-sent events."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from ai_client import AsyncOpenAI, OpenAI, current_labels, labels
from ai_client.adapter import RequestScope
from ai_client.relay import AsyncEvents, sync_events
from ai_client.testing import Upstream

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}


class Source:
    """Items of either kind, and whether it was closed."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = iter(items)
        self.closed = 0

    def close(self) -> None:
        """Count."""
        self.closed += 1


class SyncSource(Source):
    """Items for a thread."""

    def __iter__(self) -> Iterator[Any]:
        return self.items


class AsyncSource(Source):
    """Items for an event loop."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self.items:
            yield item

    async def aclose(self) -> None:
        """Count."""
        self.close()


@pytest.fixture
def source(sync: bool) -> Callable[[Iterable[Any]], Any]:
    """Return what makes a source, of either kind."""
    return SyncSource if sync else AsyncSource


def test_items_and_end(source: Callable[..., Any]) -> None:
    """Items go out as events, `[DONE]` follows the last, and the source is closed."""
    items = source(["one", {"two": 2}])
    assert list(sync_events(items)) == [b"data: one\n\n", b'data: {"two":2}\n\n', b"data: [DONE]\n\n"]
    assert items.closed


def test_transform(source: Callable[..., Any]) -> None:
    """A transform says what is sent of each item; `None` is left out."""
    events = sync_events(source([1, 2, 3]), lambda item: None if item == 2 else str(item))
    assert list(events) == [b"data: 1\n\n", b"data: 3\n\n", b"data: [DONE]\n\n"]


def test_close_before_the_end(source: Callable[..., Any]) -> None:
    """Closing the events closes the source; nothing comes after."""
    items = source(["one", "two"])
    events = sync_events(items)
    assert next(events) == b"data: one\n\n"
    events.close()
    assert items.closed
    assert list(events) == []


def test_close_before_the_first(source: Callable[..., Any]) -> None:
    """Closing events that were never read closes the source."""
    items = source(["one"])
    sync_events(items).close()
    assert items.closed


def test_fault_of_the_application(source: Callable[..., Any]) -> None:
    """An error that is not the client's ends the events with one of type error, and is raised for the log."""
    items = source(1 // number for number in [1, 0])
    events = sync_events(items)
    assert next(events) == b"data: 1\n\n"
    assert next(events).startswith(b"event: error\n")
    assert items.closed
    with pytest.raises(ZeroDivisionError):
        next(events)
    assert list(events) == []


def test_labels_hold_while_reading() -> None:
    """Generators of both kinds have the labels of the request that made them, and leave none behind."""

    def read() -> Iterator[str | None]:
        yield current_labels().endpoint
        yield current_labels().endpoint

    async def read_async() -> AsyncIterator[str | None]:
        yield current_labels().endpoint
        yield current_labels().endpoint

    with RequestScope("/items/{id}"):
        made = [sync_events(read()), sync_events(read_async())]
    with labels(endpoint="other"):
        for events in made:
            assert list(events)[:2] == [b"data: /items/{id}\n\n"] * 2
            assert current_labels().endpoint == "other"


async def _collect(events: AsyncEvents) -> tuple[list[bytes], str | None]:
    with labels(endpoint="other"):
        found = [event async for event in events]
        return found, current_labels().endpoint


def test_labels_hold_in_a_running_loop() -> None:
    """The same in the loop of a server, whose task keeps its own labels."""
    import asyncio

    async def read() -> AsyncIterator[str | None]:
        yield current_labels().endpoint

    with RequestScope("/items/{id}"):
        events = AsyncEvents(read())
    assert asyncio.run(_collect(events)) == ([b"data: /items/{id}\n\n", b"data: [DONE]\n\n"], "other")


def test_stream_of_the_client(ai_client_upstream: Upstream) -> None:
    """A stream that breaks off ends with an error event and without `[DONE]`; its connection is closed."""
    ai_client_upstream.reply(close_after=700)
    with OpenAI(api_key="k", base_url=ai_client_upstream.base_url) as client:
        events = list(sync_events(client.chat.completions.create(**ASK)))
    assert events[0].startswith(b'data: {"id"')
    assert events[-1].startswith(b"event: error\n")


def test_unread_stream_is_closed(ai_client_upstream: Upstream) -> None:
    """Closing the events of a stream that still runs ends it at the upstream."""
    import asyncio

    ai_client_upstream.reply(pause=60)

    async def leave() -> None:
        async with AsyncOpenAI(api_key="k", base_url=ai_client_upstream.base_url) as client:
            events = AsyncEvents(await client.chat.completions.create(**ASK))
            assert await anext(events)
            await events.aclose()
            await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.requests[0].aborted)

    asyncio.run(leave())
