"""Voice and text conversations over a WebSocket: `realtime.connect` and `realtime.translations.connect`.

Each method of a connection sends one event, whose type is the method's path:
`connection.conversation.item.create(item=...)` sends `conversation.item.create`. Requires the extra `realtime`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from ._client.modes import Async, M, Sync
from ._client.operation import Resource, operation
from ._models.accessor import accessor
from ._params.omit import Omit, omit
from ._sockets.channel import Channel
from ._sockets.connecting import Connecting, EventSender, connects
from ._sockets.opening import (
    INITIAL_DELAY,
    MAX_DELAY,
    MAX_QUEUE_SIZE,
    MAX_RETRIES,
    ConnectOptions,
    OnReconnecting,
)

if TYPE_CHECKING:
    from ._params.omit import Headers, Query
    from .types.realtime import (
        ConversationItemParam,
        RealtimeResponseCreateParamsParam,
        RealtimeServerEvent,  # noqa: F401 - in the type arguments below
        RealtimeSessionCreateRequestParam,
        RealtimeTranscriptionSessionCreateRequestParam,
        RealtimeTranslationServerEvent,  # noqa: F401
    )


class Session(EventSender[M]):
    """Events about the session."""

    @operation
    async def update(
        self,
        *,
        session: "RealtimeSessionCreateRequestParam | RealtimeTranscriptionSessionCreateRequestParam",
        event_id: str | Omit = omit,
    ) -> None:
        """Change the session's settings."""
        await self._send("session.update", session=session, event_id=event_id)


class Response(EventSender[M]):
    """Events about the model's responses."""

    @operation
    async def create(
        self, *, response: "RealtimeResponseCreateParamsParam | Omit" = omit, event_id: str | Omit = omit
    ) -> None:
        """Ask the model to respond."""
        await self._send("response.create", response=response, event_id=event_id)

    @operation
    async def cancel(self, *, response_id: str | Omit = omit, event_id: str | Omit = omit) -> None:
        """Cancel a response."""
        await self._send("response.cancel", response_id=response_id, event_id=event_id)


class InputAudioBuffer(EventSender[M]):
    """Events about the user's audio input."""

    @operation
    async def append(self, *, audio: str, event_id: str | Omit = omit) -> None:
        """Append audio in base64."""
        await self._send("input_audio_buffer.append", audio=audio, event_id=event_id)

    @operation
    async def commit(self, *, event_id: str | Omit = omit) -> None:
        """Commit the buffered audio as a user message."""
        await self._send("input_audio_buffer.commit", event_id=event_id)

    @operation
    async def clear(self, *, event_id: str | Omit = omit) -> None:
        """Discard the buffered audio."""
        await self._send("input_audio_buffer.clear", event_id=event_id)


class OutputAudioBuffer(EventSender[M]):
    """Events about the model's audio output."""

    @operation
    async def clear(self, *, event_id: str | Omit = omit) -> None:
        """Stop the audio that is playing."""
        await self._send("output_audio_buffer.clear", event_id=event_id)


class ConversationItem(EventSender[M]):
    """Events about the conversation's items."""

    @operation
    async def create(
        self,
        *,
        item: "ConversationItemParam",
        previous_item_id: str | Omit = omit,
        event_id: str | Omit = omit,
    ) -> None:
        """Add an item."""
        await self._send(
            "conversation.item.create", item=item, previous_item_id=previous_item_id, event_id=event_id
        )

    @operation
    async def delete(self, *, item_id: str, event_id: str | Omit = omit) -> None:
        """Remove an item."""
        await self._send("conversation.item.delete", item_id=item_id, event_id=event_id)

    @operation
    async def retrieve(self, *, item_id: str, event_id: str | Omit = omit) -> None:
        """Request an item as the server has it."""
        await self._send("conversation.item.retrieve", item_id=item_id, event_id=event_id)

    @operation
    async def truncate(
        self, *, item_id: str, content_index: int, audio_end_ms: int, event_id: str | Omit = omit
    ) -> None:
        """Truncate an item's audio to the part that was played, in milliseconds."""
        await self._send(
            "conversation.item.truncate",
            item_id=item_id,
            content_index=content_index,
            audio_end_ms=audio_end_ms,
            event_id=event_id,
        )


class Conversation(EventSender[M]):
    """Events about the conversation."""

    @accessor
    def item(self) -> ConversationItem[M]:
        """Events about the conversation's items."""
        return ConversationItem(self._channel)


class RealtimeConnection(Channel[M, "RealtimeServerEvent"]):
    """An open realtime session: iterate over it for the server's events."""

    @accessor
    def event_type(self) -> Any:
        """The type of the server's events."""
        from .types.realtime import RealtimeServerEvent  # noqa: PLC0415 - loaded on first use

        return RealtimeServerEvent

    @accessor
    def session(self) -> Session[M]:
        """Events about the session."""
        return Session(self)

    @accessor
    def response(self) -> Response[M]:
        """Events about the model's responses."""
        return Response(self)

    @accessor
    def input_audio_buffer(self) -> InputAudioBuffer[M]:
        """Events about the user's audio input."""
        return InputAudioBuffer(self)

    @accessor
    def output_audio_buffer(self) -> OutputAudioBuffer[M]:
        """Events about the model's audio output."""
        return OutputAudioBuffer(self)

    @accessor
    def conversation(self) -> Conversation[M]:
        """Events about the conversation."""
        return Conversation(self)


class TranslationAudioBuffer(EventSender[M]):
    """Events about the audio to translate."""

    @operation
    async def append(self, *, audio: str, event_id: str | Omit = omit) -> None:
        """Append audio in base64."""
        await self._send("session.input_audio_buffer.append", audio=audio, event_id=event_id)


class TranslationSession(EventSender[M]):
    """Events about the translation session."""

    @accessor
    def input_audio_buffer(self) -> TranslationAudioBuffer[M]:
        """Events about the audio to translate."""
        return TranslationAudioBuffer(self._channel)

    @operation
    async def update(self, *, session: Mapping[str, object], event_id: str | Omit = omit) -> None:
        """Change the session's settings."""
        await self._send("session.update", session=session, event_id=event_id)

    @operation
    async def close(self, *, event_id: str | Omit = omit) -> None:
        """End the session."""
        await self._send("session.close", event_id=event_id)


class TranslationsConnection(Channel[M, "RealtimeTranslationServerEvent"]):
    """An open translation session: iterate over it for the server's events."""

    @accessor
    def event_type(self) -> Any:
        """The type of the server's events."""
        from .types.realtime import RealtimeTranslationServerEvent  # noqa: PLC0415 - loaded on first use

        return RealtimeTranslationServerEvent

    @accessor
    def session(self) -> TranslationSession[M]:
        """Events about the translation session."""
        return TranslationSession(self)


class RealtimeConnect(Resource[M]):
    """`realtime.connect`."""

    @connects
    def connect(
        self,
        *,
        call_id: str | Omit = omit,
        model: str | Omit = omit,
        **options: Unpack[ConnectOptions],
    ) -> Connecting[RealtimeConnection[Sync], RealtimeConnection[Async]]:
        """Open a realtime session, for use in a `with` block.

        Args:
            call_id: Which call to join: its id. Either this or `model` is passed.
            model: The model to talk to, by name, in a new session.
            options: How the connection is opened, and opened again; see `ConnectOptions`.
        """
        return Connecting(
            self,
            "/realtime",
            RealtimeConnection,
            {"call_id": call_id, "model": model},
            **options,
        )


class TranslationsConnect(Resource[M]):
    """`realtime.translations.connect`."""

    @connects
    def connect(  # noqa: PLR0917 - as the official method
        self,
        model: str,
        websocket_connection_options: Mapping[str, Any] | None = None,
        on_reconnecting: OnReconnecting | None = None,
        max_retries: int = MAX_RETRIES,
        initial_delay: float = INITIAL_DELAY,
        max_delay: float = MAX_DELAY,
        max_queue_size: int = MAX_QUEUE_SIZE,
        *,
        extra_query: "Query | None" = None,
        extra_headers: "Headers | None" = None,
    ) -> Connecting[TranslationsConnection[Sync], TranslationsConnection[Async]]:
        """Open a session that translates speech as it arrives, for use in a `with` block.

        Args:
            model: The model that translates, by name.
            websocket_connection_options: Keywords for the websockets package's `connect`.
            on_reconnecting: A function that is called before each attempt to open a broken connection again.
                Without it there is none.
            max_retries: How many such attempts there are in a row, at most.
            initial_delay: Seconds before the first attempt; the delay doubles with each attempt.
            max_delay: Seconds between two attempts, at most.
            max_queue_size: Bytes of events that wait for the connection, at most.
            extra_query: Query parameters of the connection, laid over the client's.
            extra_headers: Headers of the connection, laid over the client's; the value `omit` removes one.
        """
        return Connecting(
            self,
            "/realtime/translations",
            TranslationsConnection,
            {"model": model},
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
            on_reconnecting=on_reconnecting,
            max_retries=max_retries,
            initial_delay=initial_delay,
            max_delay=max_delay,
            max_queue_size=max_queue_size,
        )
