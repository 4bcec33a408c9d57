"""Types of `client.chat`."""

from collections.abc import Iterable
from typing import Literal, Required, TypedDict

from .._models import BaseModel
from .._request import RequestOptions


class ChatCompletionMessageParam(TypedDict, total=False):
    """One turn of a conversation."""

    role: Required[Literal["system", "user", "assistant", "developer", "tool"]]
    content: Required[str]


class CompletionCreateParams(RequestOptions, total=False):
    """Keywords of `chat.completions.create`."""

    messages: Required[Iterable[ChatCompletionMessageParam]]
    model: Required[str]
    temperature: float | None


class ChatCompletionMessage(BaseModel):
    """The model's turn."""

    role: str
    content: str | None = None


class Choice(BaseModel):
    """One of the answers."""

    index: int
    finish_reason: str
    message: ChatCompletionMessage


class ChatCompletion(BaseModel):
    """An answer."""

    id: str
    created: int
    model: str
    choices: list[Choice]


class ChoiceDelta(BaseModel):
    """What a chunk adds to an answer."""

    role: str | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """One of the answers' next piece."""

    index: int
    delta: ChoiceDelta
    finish_reason: str | None = None


class ChatCompletionChunk(BaseModel):
    """A piece of a streamed answer."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
