"""Types of `client.chat`."""

from collections.abc import Iterable
from typing import Literal, Required, TypedDict

from .._models import BaseModel
from .._request import RequestOptions


class ChatCompletionMessageParam(TypedDict, total=False):
    role: Required[Literal["system", "user", "assistant", "developer", "tool"]]
    content: Required[str]


class CompletionCreateParams(RequestOptions, total=False):
    messages: Required[Iterable[ChatCompletionMessageParam]]
    model: Required[str]
    temperature: float | None


class ChatCompletionMessage(BaseModel):
    role: str
    content: str | None = None


class Choice(BaseModel):
    index: int
    finish_reason: str
    message: ChatCompletionMessage


class ChatCompletion(BaseModel):
    id: str
    created: int
    model: str
    choices: list[Choice]


class ChoiceDelta(BaseModel):
    role: str | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    index: int
    delta: ChoiceDelta
    finish_reason: str | None = None


class ChatCompletionChunk(BaseModel):
    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
