"""Streamed answers as events, on both clients."""

from typing import Generic, TypeVar

from ...._answers.stream import AsyncStream, Stream
from ....types.chat import ChatCompletionChunk, ParsedChatCompletion
from .._event_stream import AsyncEventStream, AsyncEventStreamManager, EventStream, EventStreamManager
from ._events import ChatCompletionStreamEvent  # noqa: F401 - named in strings: a union takes no parameter
from ._state import ChatCompletionStreamState

T = TypeVar("T")


class ChatCompletionStream(EventStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The events of a streamed answer, as they come."""

    def __init__(self, raw_stream: Stream[ChatCompletionChunk], state: ChatCompletionStreamState[T]) -> None:
        super().__init__(raw_stream, state.handle_chunk)
        self._state = state

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[object]:
        """The answer as it stands."""
        return self._state.current_completion_snapshot

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end and give the whole answer, parsed.

        Raises:
            LengthFinishReasonError: The answer was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: The text or a tool's arguments are not of their type.
        """
        self.until_done()
        return self._state.get_final_completion()


class AsyncChatCompletionStream(AsyncEventStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The events of a streamed answer, as they come."""

    def __init__(
        self, raw_stream: AsyncStream[ChatCompletionChunk], state: ChatCompletionStreamState[T]
    ) -> None:
        super().__init__(raw_stream, state.handle_chunk)
        self._state = state

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[object]:
        """The answer as it stands."""
        return self._state.current_completion_snapshot

    async def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end and give the whole answer, parsed.

        Raises:
            LengthFinishReasonError: The answer was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: The text or a tool's arguments are not of their type.
        """
        await self.until_done()
        return self._state.get_final_completion()


class ChatCompletionStreamManager(EventStreamManager[ChatCompletionStream[T]], Generic[T]):
    """A call of `chat.completions.stream`, made when the `with` block begins."""


class AsyncChatCompletionStreamManager(AsyncEventStreamManager[AsyncChatCompletionStream[T]], Generic[T]):
    """A call of `chat.completions.stream`, made when the `async with` block begins."""
