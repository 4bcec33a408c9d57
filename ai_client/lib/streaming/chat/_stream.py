"""Streamed completions as iterators of events, sync and async."""

from typing import Generic, TypeVar

from ...._answers.stream import AsyncStream, Stream
from ....types.chat import ChatCompletionChunk, ParsedChatCompletion
from .._event_stream import AsyncEventStream, AsyncEventStreamManager, EventStream, EventStreamManager
from ._events import ChatCompletionStreamEvent  # noqa: F401 - used in strings: a union cannot be subscripted
from ._state import ChatCompletionStreamState

T = TypeVar("T")


class ChatCompletionStream(EventStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The events of a streamed completion, as they arrive."""

    def __init__(self, raw_stream: Stream[ChatCompletionChunk], state: ChatCompletionStreamState[T]) -> None:
        super().__init__(raw_stream, state.handle_chunk)
        self._state = state

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[object]:
        """The completion so far."""
        return self._state.current_completion_snapshot

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end; return the whole completion, parsed.

        Raises:
            LengthFinishReasonError: The completion was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: The text or a tool's arguments do not match their type.
        """
        self.until_done()
        return self._state.get_final_completion()


class AsyncChatCompletionStream(AsyncEventStream["ChatCompletionStreamEvent[T]"], Generic[T]):
    """The events of a streamed completion, as they arrive."""

    def __init__(
        self, raw_stream: AsyncStream[ChatCompletionChunk], state: ChatCompletionStreamState[T]
    ) -> None:
        super().__init__(raw_stream, state.handle_chunk)
        self._state = state

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[object]:
        """The completion so far."""
        return self._state.current_completion_snapshot

    async def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end; return the whole completion, parsed.

        Raises:
            LengthFinishReasonError: The completion was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: The text or a tool's arguments do not match their type.
        """
        await self.until_done()
        return self._state.get_final_completion()


class ChatCompletionStreamManager(EventStreamManager[ChatCompletionStream[T]], Generic[T]):
    """The context manager that `chat.completions.stream` returns; it sends the call on entry."""


class AsyncChatCompletionStreamManager(AsyncEventStreamManager[AsyncChatCompletionStream[T]], Generic[T]):
    """The async context manager that `chat.completions.stream` returns; it sends the call on entry."""
