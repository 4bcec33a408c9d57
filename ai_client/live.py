"""Live sessions over a WebSocket: `live.connect`, `live.forks.connect` and `live.sideband.connect`.

The API's description does not define the server's events; they are models with the members that were received.
Requires the extra `realtime`.
"""

from collections.abc import Mapping
from typing import Any, Unpack

from ._client.modes import Async, M, Sync
from ._client.operation import Resource
from ._models.accessor import accessor
from ._models.base import BaseModel
from ._params.omit import Headers, Omit, Query, omit
from ._params.query import path
from ._sockets.channel import Channel
from ._sockets.connecting import Connecting, connects
from ._sockets.live_events import (
    Commentary,
    Decision,
    DecisionItem,
    Dtmf,
    InputAudio,
    Instructions,
    LiveResponse,
    LiveResponseItem,
    LiveSession,
    OutputAudio,
    OutputAudioFixture,
    Thinking,
    Transport,
)
from ._sockets.opening import INITIAL_DELAY, MAX_DELAY, MAX_RETRIES, ConnectOptions, OnReconnecting

__all__ = [
    "MAX_QUEUE_SIZE",
    "Commentary",
    "Decision",
    "DecisionItem",
    "Dtmf",
    "ForksConnect",
    "ForksConnection",
    "InputAudio",
    "Instructions",
    "LiveConnect",
    "LiveConnection",
    "LiveEvent",
    "LiveResponse",
    "LiveResponseItem",
    "LiveSession",
    "OutputAudio",
    "OutputAudioFixture",
    "SidebandConnect",
    "SidebandConnection",
    "Thinking",
    "Transport",
]

MAX_QUEUE_SIZE = 2_097_152
"""Default bound, in bytes, on queued events: half a minute of 16-bit audio in base64."""


class LiveEvent(BaseModel):
    """An event of a live session."""

    type: str


class LiveConnection(Channel[M, LiveEvent]):
    """An open live session: iterate over it for the server's events."""

    event_type = LiveEvent
    max_queue_size = MAX_QUEUE_SIZE

    @accessor
    def session(self) -> LiveSession[M]:
        """Events about the session."""
        return LiveSession(self)

    @accessor
    def decision(self) -> Decision[M]:
        """Events about decisions."""
        return Decision(self)

    @accessor
    def response(self) -> LiveResponse[M]:
        """Events about the model's answers."""
        return LiveResponse(self)


class ForksConnection(LiveConnection[M]):
    """An open fork of a live session: iterate over it for the server's events."""


class SidebandConnection(LiveConnection[M]):
    """An open side connection to a live session: iterate over it for the server's events."""

    @accessor
    def transport(self) -> Transport[M]:
        """Events about the call's transport."""
        return Transport(self)


class LiveConnect(Resource[M]):
    """`live.connect`."""

    @connects
    def connect(  # noqa: PLR0917 - as the official method
        self,
        websocket_connection_options: Mapping[str, Any] | None = None,
        on_reconnecting: OnReconnecting | None = None,
        max_retries: int = MAX_RETRIES,
        initial_delay: float = INITIAL_DELAY,
        max_delay: float = MAX_DELAY,
        max_queue_size: int = MAX_QUEUE_SIZE,
        *,
        extra_query: Query | None = None,
        extra_headers: Headers | None = None,
    ) -> Connecting[LiveConnection[Sync], LiveConnection[Async]]:
        """Open a live session, for use in a `with` block.

        Args:
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
            "/live/sessions",
            LiveConnection,
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
            on_reconnecting=on_reconnecting,
            max_retries=max_retries,
            initial_delay=initial_delay,
            max_delay=max_delay,
            max_queue_size=max_queue_size,
        )


class ForksConnect(Resource[M]):
    """`live.forks.connect`."""

    @connects
    def connect(
        self,
        *,
        session_id: str,
        **options: Unpack[ConnectOptions],
    ) -> Connecting[ForksConnection[Sync], ForksConnection[Async]]:
        """Open a fork of a live session, for use in a `with` block.

        Args:
            session_id: Which session: its id.
            options: How the connection is opened, and opened again; see `ConnectOptions`.
        """
        return Connecting(
            self,
            path("/live/sessions/{session_id}/fork", session_id=session_id),
            ForksConnection,
            **options,
        )


class SidebandConnect(Resource[M]):
    """`live.sideband.connect`."""

    @connects
    def connect(
        self,
        *,
        session_id: str,
        graceful_close: bool | Omit = omit,
        **options: Unpack[ConnectOptions],
    ) -> Connecting[SidebandConnection[Sync], SidebandConnection[Async]]:
        """Attach to a live session to control it, for use in a `with` block.

        Args:
            session_id: Which session: its id.
            graceful_close: Sent to the server as it is, in the address; left out by default.
            options: How the connection is opened, and opened again; see `ConnectOptions`.
        """
        return Connecting(
            self,
            path("/live/sessions/{session_id}/attach", session_id=session_id),
            SidebandConnection,
            {"graceful_close": graceful_close},
            **options,
        )
