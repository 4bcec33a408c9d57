"""`client.audio.translations`: what comes back depends on `response_format`."""

from typing import Any, Literal, Unpack, overload

from ai_client.resources.audio.translations import _generated
from ai_client.types.audio.translation import (
    Translation,
    TranslationCreateParams,
    TranslationCreateParamsBase,
    TranslationVerbose,
)

from ...._answers.raw_response import (
    APIResponse,
    AsyncAPIResponse,
    AsyncResponseContextManager,
    LegacyAPIResponse,
    ResponseContextManager,
)
from ...._client.modes import Async, AsyncRaw, AsyncStreaming, M, Raw, Streaming, Sync
from ...._client.operation import RawView, StreamingView, overloaded

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]

_PLAIN = frozenset({"text", "srt", "vtt"})


class Translations(_generated.Translations[M]):
    """`client.audio.translations`."""

    with_raw_response: "RawView[Translations[Raw], Translations[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Translations[Streaming], Translations[AsyncStreaming]]" = (
        StreamingView()
    )

    @overload
    def create(
        self: "Translations[Sync]",
        *,
        response_format: Literal["json"] = "json",
        **params: Unpack[TranslationCreateParamsBase],
    ) -> Translation: ...
    @overload
    def create(
        self: "Translations[Sync]",
        *,
        response_format: Literal["verbose_json"],
        **params: Unpack[TranslationCreateParamsBase],
    ) -> TranslationVerbose: ...
    @overload
    def create(
        self: "Translations[Sync]",
        *,
        response_format: Literal["text", "srt", "vtt"],
        **params: Unpack[TranslationCreateParamsBase],
    ) -> str: ...
    @overload
    async def create(
        self: "Translations[Async]",
        *,
        response_format: Literal["json"] = "json",
        **params: Unpack[TranslationCreateParamsBase],
    ) -> Translation: ...
    @overload
    async def create(
        self: "Translations[Async]",
        *,
        response_format: Literal["verbose_json"],
        **params: Unpack[TranslationCreateParamsBase],
    ) -> TranslationVerbose: ...
    @overload
    async def create(
        self: "Translations[Async]",
        *,
        response_format: Literal["text", "srt", "vtt"],
        **params: Unpack[TranslationCreateParamsBase],
    ) -> str: ...
    @overload
    def create(
        self: "Translations[Raw]",
        *,
        response_format: Format = "json",
        **params: Unpack[TranslationCreateParamsBase],
    ) -> LegacyAPIResponse[Any]: ...
    @overload
    async def create(
        self: "Translations[AsyncRaw]",
        *,
        response_format: Format = "json",
        **params: Unpack[TranslationCreateParamsBase],
    ) -> LegacyAPIResponse[Any]: ...
    @overload
    def create(
        self: "Translations[Streaming]",
        *,
        response_format: Format = "json",
        **params: Unpack[TranslationCreateParamsBase],
    ) -> ResponseContextManager[APIResponse[Any]]: ...
    @overload
    def create(
        self: "Translations[AsyncStreaming]",
        *,
        response_format: Format = "json",
        **params: Unpack[TranslationCreateParamsBase],
    ) -> AsyncResponseContextManager[AsyncAPIResponse[Any]]: ...
    @overloaded
    async def create(self, **params: Any) -> Any:
        """Write down in English what is said in a recording; the type of the result follows `response_format`."""
        wanted = params.get("response_format")
        verbose = TranslationVerbose if wanted == "verbose_json" else Translation
        return await self._call(
            "POST",
            "/audio/translations",
            TranslationCreateParams,
            params,
            str if wanted in _PLAIN else verbose,
            headers={"Content-Type": "multipart/form-data"},
            files=("file",),
        )
