"""Streamed responses as iterators of events, sync and async."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ...._answers.stream import AsyncStream, Stream
from ....types.responses.parsed_response import ParsedResponse
from .._event_stream import AsyncEventStream, AsyncEventStreamManager, EventStream, EventStreamManager
from ._events import ResponseStreamEvent
from ._state import ResponseStreamState

T = TypeVar("T")


class ResponseStream(EventStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a streamed response, as they arrive."""

    def __init__(
        self, raw_stream: Stream[Any], state: ResponseStreamState[T], starting_after: int | None = None
    ) -> None:
        super().__init__(raw_stream, _from(state, starting_after))
        self._state = state

    def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end; return the whole response, parsed.

        Raises:
            StreamStateError: The response was not completed.
            pydantic.ValidationError: A text or a function's arguments do not match their type.
        """
        self.until_done()
        return self._state.get_final_response()

    def get_output_text(self) -> str:
        """Read the stream to its end; return the text of the response."""
        return self.get_final_response().output_text


class AsyncResponseStream(AsyncEventStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a streamed response, as they arrive."""

    def __init__(
        self, raw_stream: AsyncStream[Any], state: ResponseStreamState[T], starting_after: int | None = None
    ) -> None:
        super().__init__(raw_stream, _from(state, starting_after))
        self._state = state

    async def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end; return the whole response, parsed.

        Raises:
            StreamStateError: The response was not completed.
            pydantic.ValidationError: A text or a function's arguments do not match their type.
        """
        await self.until_done()
        return self._state.get_final_response()

    async def get_output_text(self) -> str:
        """Read the stream to its end; return the text of the response."""
        return (await self.get_final_response()).output_text


class ResponseStreamManager(EventStreamManager[ResponseStream[T]], Generic[T]):
    """The context manager that `responses.stream` returns; it sends the call on entry."""


class AsyncResponseStreamManager(AsyncEventStreamManager[AsyncResponseStream[T]], Generic[T]):
    """The async context manager that `responses.stream` returns; it sends the call on entry."""


def _from(
    state: ResponseStreamState[T], starting_after: int | None
) -> "Callable[[Any], list[ResponseStreamEvent[T]]]":
    """Return the event handler; events up to *starting_after* are accumulated but not yielded again."""
    if starting_after is None:
        return state.handle_event

    def handle(event: Any) -> "list[ResponseStreamEvent[T]]":
        return [each for each in state.handle_event(event) if each.sequence_number > starting_after]

    return handle
