"""Streamed responses as events, on both clients."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ...._answers.stream import AsyncStream, Stream
from ....types.responses.parsed_response import ParsedResponse
from .._event_stream import AsyncEventStream, AsyncEventStreamManager, EventStream, EventStreamManager
from ._events import ResponseStreamEvent
from ._state import ResponseStreamState

T = TypeVar("T")


class ResponseStream(EventStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a streamed response, as they come."""

    def __init__(
        self, raw_stream: Stream[Any], state: ResponseStreamState[T], starting_after: int | None = None
    ) -> None:
        super().__init__(raw_stream, _from(state, starting_after))
        self._state = state

    def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end and give the whole response, parsed.

        Raises:
            StreamStateError: The response was not completed.
            pydantic.ValidationError: A text or a function's arguments are not of their type.
        """
        self.until_done()
        return self._state.get_final_response()

    def get_output_text(self) -> str:
        """Read the stream to its end and give the response's text."""
        return self.get_final_response().output_text


class AsyncResponseStream(AsyncEventStream["ResponseStreamEvent[T]"], Generic[T]):
    """The events of a streamed response, as they come."""

    def __init__(
        self, raw_stream: AsyncStream[Any], state: ResponseStreamState[T], starting_after: int | None = None
    ) -> None:
        super().__init__(raw_stream, _from(state, starting_after))
        self._state = state

    async def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end and give the whole response, parsed.

        Raises:
            StreamStateError: The response was not completed.
            pydantic.ValidationError: A text or a function's arguments are not of their type.
        """
        await self.until_done()
        return self._state.get_final_response()

    async def get_output_text(self) -> str:
        """Read the stream to its end and give the response's text."""
        return (await self.get_final_response()).output_text


class ResponseStreamManager(EventStreamManager[ResponseStream[T]], Generic[T]):
    """A call of `responses.stream`, made when the `with` block begins."""


class AsyncResponseStreamManager(AsyncEventStreamManager[AsyncResponseStream[T]], Generic[T]):
    """A call of `responses.stream`, made when the `async with` block begins."""


def _from(
    state: ResponseStreamState[T], starting_after: int | None
) -> "Callable[[Any], list[ResponseStreamEvent[T]]]":
    """Leave out the events up to a number, which are needed to accumulate but were seen before."""
    if starting_after is None:
        return state.handle_event

    def handle(event: Any) -> "list[ResponseStreamEvent[T]]":
        return [each for each in state.handle_event(event) if each.sequence_number > starting_after]

    return handle
