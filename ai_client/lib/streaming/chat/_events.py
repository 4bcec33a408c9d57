"""The events of a streamed completion, one class per kind."""

from typing import Generic, Literal, TypeAlias, TypeVar

from ...._models.base import BaseModel
from ...._models.lazy import LazyModel
from ....types.chat import ChatCompletionChunk, ChatCompletionTokenLogprob, ParsedChatCompletion

T = TypeVar("T")


class ChunkEvent(LazyModel):
    """A chunk arrived; sent before the events that it causes.

    Attributes:
        chunk: The chunk as the server sent it.
        snapshot: The completion so far, as of the time this attribute is first read.
    """

    type: Literal["chunk"]
    chunk: ChatCompletionChunk
    snapshot: ParsedChatCompletion[object]


class ContentDeltaEvent(LazyModel):
    """More text arrived.

    Attributes:
        delta: The new piece.
        snapshot: The text so far.
        parsed: The text so far, decoded as partial JSON without validation, where a type was requested.
    """

    type: Literal["content.delta"]
    delta: str
    snapshot: str
    parsed: object | None = None


class ContentDoneEvent(BaseModel, Generic[T]):
    """The text is complete.

    Attributes:
        content: The text.
        parsed: The text as an instance of the requested type.
    """

    type: Literal["content.done"]
    content: str
    parsed: T | None = None


class RefusalDeltaEvent(LazyModel):
    """More of the model's refusal arrived."""

    type: Literal["refusal.delta"]
    delta: str
    snapshot: str


class RefusalDoneEvent(BaseModel):
    """The model's refusal is complete."""

    type: Literal["refusal.done"]
    refusal: str


class FunctionToolCallArgumentsDeltaEvent(LazyModel):
    """More arguments of a tool call arrived.

    Attributes:
        name: The function.
        index: The position of the call among the tool calls of the choice.
        arguments: The JSON text so far.
        parsed_arguments: The arguments so far, decoded without validation, where the tool is strict.
        arguments_delta: The new piece.
    """

    type: Literal["tool_calls.function.arguments.delta"]
    name: str
    index: int
    arguments: str
    parsed_arguments: object | None
    arguments_delta: str


class FunctionToolCallArgumentsDoneEvent(BaseModel):
    """The arguments of a tool call are complete.

    Attributes:
        parsed_arguments: An instance of the tool's model, the decoded JSON for another strict tool, else
            `None`.
    """

    type: Literal["tool_calls.function.arguments.done"]
    name: str
    index: int
    arguments: str
    parsed_arguments: object | None


class LogprobsContentDeltaEvent(LazyModel):
    """More tokens of the text, with their log probabilities."""

    type: Literal["logprobs.content.delta"]
    content: list[ChatCompletionTokenLogprob]
    snapshot: list[ChatCompletionTokenLogprob]


class LogprobsContentDoneEvent(BaseModel):
    """All tokens of the text, with their log probabilities."""

    type: Literal["logprobs.content.done"]
    content: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDeltaEvent(LazyModel):
    """More tokens of the refusal, with their log probabilities."""

    type: Literal["logprobs.refusal.delta"]
    refusal: list[ChatCompletionTokenLogprob]
    snapshot: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDoneEvent(BaseModel):
    """All tokens of the refusal, with their log probabilities."""

    type: Literal["logprobs.refusal.done"]
    refusal: list[ChatCompletionTokenLogprob]


ChatCompletionStreamEvent: TypeAlias = (
    ChunkEvent
    | ContentDeltaEvent
    | ContentDoneEvent[T]
    | RefusalDeltaEvent
    | RefusalDoneEvent
    | FunctionToolCallArgumentsDeltaEvent
    | FunctionToolCallArgumentsDoneEvent
    | LogprobsContentDeltaEvent
    | LogprobsContentDoneEvent
    | LogprobsRefusalDeltaEvent
    | LogprobsRefusalDoneEvent
)
