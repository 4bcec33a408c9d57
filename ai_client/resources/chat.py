"""`client.chat`."""

from functools import cached_property
from typing import Any, Literal, Unpack, overload

from .._operation import (
    Async,
    AsyncRaw,
    AsyncStreaming,
    M,
    Raw,
    RawView,
    Resource,
    Streaming,
    StreamingView,
    Sync,
)
from .._stream import AsyncStream, Stream
from ..types.chat import ChatCompletion, ChatCompletionChunk, CompletionCreateParams


class Chat(Resource[M]):
    """Conversations with a model."""

    @cached_property
    def completions(self) -> "Completions[M]":
        """Answers to conversations."""
        return Completions(self._client, self._view)


class Completions(Resource[M]):
    """Answers to conversations."""

    with_raw_response: "RawView[Completions[Raw], Completions[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Completions[Streaming], Completions[AsyncStreaming]]" = (
        StreamingView()
    )

    @overload
    def create(
        self: "Completions[Sync]", *, stream: Literal[True], **params: Unpack[CompletionCreateParams]
    ) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(
        self: "Completions[Sync]",
        *,
        stream: Literal[False] | None = None,
        **params: Unpack[CompletionCreateParams],
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self: "Completions[Async]", *, stream: Literal[True], **params: Unpack[CompletionCreateParams]
    ) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(
        self: "Completions[Async]",
        *,
        stream: Literal[False] | None = None,
        **params: Unpack[CompletionCreateParams],
    ) -> ChatCompletion: ...
    def create(self, **params: Any) -> Any:
        """Answer a conversation, whole or, with `stream=True`, piece by piece."""
        return self._run(
            self._post(
                "/chat/completions",
                CompletionCreateParams,
                params,
                ChatCompletion,
                stream=ChatCompletionChunk,
            )
        )
