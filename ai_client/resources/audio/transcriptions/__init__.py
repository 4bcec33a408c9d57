"""`client.audio.transcriptions`: what comes back depends on `response_format`."""

from typing import Any, Literal, Unpack, overload

from ai_client.resources.audio.transcriptions import _generated
from ai_client.types.audio.transcription import (
    Transcription,
    TranscriptionCreateParamsBase,
    TranscriptionCreateParamsNonStreaming,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
)

from ...._answers.raw_response import (
    APIResponse,
    AsyncAPIResponse,
    AsyncResponseContextManager,
    LegacyAPIResponse,
    ResponseContextManager,
)
from ...._answers.stream import AsyncStream, Stream
from ...._client.modes import Async, AsyncRaw, AsyncStreaming, M, Raw, Streaming, Sync
from ...._client.operation import RawView, StreamingView, overloaded

Format = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
_SHAPES: dict[str, Any] = {"verbose_json": TranscriptionVerbose, "diarized_json": TranscriptionDiarized}

_PLAIN = frozenset({"text", "srt", "vtt"})


class Transcriptions(_generated.Transcriptions[M]):
    """`client.audio.transcriptions`."""

    with_raw_response: "RawView[Transcriptions[Raw], Transcriptions[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Transcriptions[Streaming], Transcriptions[AsyncStreaming]]" = (
        StreamingView()
    )

    @overload
    def create(
        self: "Transcriptions[Sync]",
        *,
        response_format: Literal["json"] = "json",
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> Transcription: ...
    @overload
    def create(
        self: "Transcriptions[Sync]",
        *,
        response_format: Literal["verbose_json"],
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> TranscriptionVerbose: ...
    @overload
    def create(
        self: "Transcriptions[Sync]",
        *,
        response_format: Literal["diarized_json"],
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> TranscriptionDiarized: ...
    @overload
    def create(
        self: "Transcriptions[Sync]",
        *,
        response_format: Literal["text", "srt", "vtt"],
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> str: ...
    @overload
    def create(
        self: "Transcriptions[Sync]",
        *,
        response_format: Format = "json",
        stream: Literal[True],
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> Stream[TranscriptionStreamEvent]: ...
    @overload
    async def create(
        self: "Transcriptions[Async]",
        *,
        response_format: Literal["json"] = "json",
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> Transcription: ...
    @overload
    async def create(
        self: "Transcriptions[Async]",
        *,
        response_format: Literal["verbose_json"],
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> TranscriptionVerbose: ...
    @overload
    async def create(
        self: "Transcriptions[Async]",
        *,
        response_format: Literal["diarized_json"],
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> TranscriptionDiarized: ...
    @overload
    async def create(
        self: "Transcriptions[Async]",
        *,
        response_format: Literal["text", "srt", "vtt"],
        stream: Literal[False] | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> str: ...
    @overload
    async def create(
        self: "Transcriptions[Async]",
        *,
        response_format: Format = "json",
        stream: Literal[True],
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> AsyncStream[TranscriptionStreamEvent]: ...
    @overload
    def create(
        self: "Transcriptions[Raw]",
        *,
        response_format: Format = "json",
        stream: bool | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> LegacyAPIResponse[Any]: ...
    @overload
    async def create(
        self: "Transcriptions[AsyncRaw]",
        *,
        response_format: Format = "json",
        stream: bool | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> LegacyAPIResponse[Any]: ...
    @overload
    def create(
        self: "Transcriptions[Streaming]",
        *,
        response_format: Format = "json",
        stream: bool | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> ResponseContextManager[APIResponse[Any]]: ...
    @overload
    def create(
        self: "Transcriptions[AsyncStreaming]",
        *,
        response_format: Format = "json",
        stream: bool | None = None,
        **params: Unpack[TranscriptionCreateParamsBase],
    ) -> AsyncResponseContextManager[AsyncAPIResponse[Any]]: ...
    @overloaded
    async def create(self, **params: Any) -> Any:
        """Write down what is said in a recording; the type of the result follows `response_format`."""
        wanted = params.get("response_format")
        return await self._call(
            "POST",
            "/audio/transcriptions",
            TranscriptionCreateParamsNonStreaming,
            params,
            str if wanted in _PLAIN else _SHAPES.get(wanted or "", Transcription),
            stream=TranscriptionStreamEvent,
            headers={"Content-Type": "multipart/form-data"},
            files=("file",),
        )
