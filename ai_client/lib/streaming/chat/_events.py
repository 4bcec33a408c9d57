"""What happens in a streamed answer, one class for each kind of event."""

from typing import Generic, Literal, TypeAlias, TypeVar

from ...._models.base import BaseModel
from ...._models.lazy import LazyModel
from ....types.chat import ChatCompletionChunk, ChatCompletionTokenLogprob, ParsedChatCompletion

T = TypeVar("T")


class ChunkEvent(LazyModel):
    """A chunk came; before the events that it leads to.

    Attributes:
        chunk: As the server sent it.
        snapshot: The answer as it stands when this attribute is first read.
    """

    type: Literal["chunk"]
    chunk: ChatCompletionChunk
    snapshot: ParsedChatCompletion[object]


class ContentDeltaEvent(LazyModel):
    """The text goes on.

    Attributes:
        delta: The new piece.
        snapshot: The text so far.
        parsed: What the text so far says as JSON, unvalidated, where a type was asked for.
    """

    type: Literal["content.delta"]
    delta: str
    snapshot: str
    parsed: object | None = None


class ContentDoneEvent(BaseModel, Generic[T]):
    """The text is whole.

    Attributes:
        content: The text.
        parsed: It as an instance of the type that was asked for.
    """

    type: Literal["content.done"]
    content: str
    parsed: T | None = None


class RefusalDeltaEvent(LazyModel):
    """The model's refusal goes on."""

    type: Literal["refusal.delta"]
    delta: str
    snapshot: str


class RefusalDoneEvent(BaseModel):
    """The model's refusal is whole."""

    type: Literal["refusal.done"]
    refusal: str


class FunctionToolCallArgumentsDeltaEvent(LazyModel):
    """The arguments of a call go on.

    Attributes:
        name: The function.
        index: The place of the call among the answer's calls.
        arguments: The JSON text so far.
        parsed_arguments: What it says so far, unvalidated, where the tool is strict.
        arguments_delta: The new piece.
    """

    type: Literal["tool_calls.function.arguments.delta"]
    name: str
    index: int
    arguments: str
    parsed_arguments: object | None
    arguments_delta: str


class FunctionToolCallArgumentsDoneEvent(BaseModel):
    """The arguments of a call are whole.

    Attributes:
        parsed_arguments: An instance of the tool's model, the decoded JSON of another strict tool, else `None`.
    """

    type: Literal["tool_calls.function.arguments.done"]
    name: str
    index: int
    arguments: str
    parsed_arguments: object | None


class LogprobsContentDeltaEvent(LazyModel):
    """More tokens of the text, with their likelihood."""

    type: Literal["logprobs.content.delta"]
    content: list[ChatCompletionTokenLogprob]
    snapshot: list[ChatCompletionTokenLogprob]


class LogprobsContentDoneEvent(BaseModel):
    """All tokens of the text, with their likelihood."""

    type: Literal["logprobs.content.done"]
    content: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDeltaEvent(LazyModel):
    """More tokens of the refusal, with their likelihood."""

    type: Literal["logprobs.refusal.delta"]
    refusal: list[ChatCompletionTokenLogprob]
    snapshot: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDoneEvent(BaseModel):
    """All tokens of the refusal, with their likelihood."""

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
